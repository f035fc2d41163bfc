/** Which source this page was made of; vite.config.ts puts it in place. */
declare const __PBFT_BUILD__: string;

export const BUILD: string = __PBFT_BUILD__;
