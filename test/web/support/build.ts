/** Once before all tests of this folder: the pages are built, so that what is tested is what is in the sources. */
import { build } from 'vite';

export async function setup(): Promise<void> {
  await build({ logLevel: 'error' });
}
