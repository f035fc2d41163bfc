/** Where in the directory of a node the log lies: what it must not forget. */
export const LOG_FILE = 'replica.log';
