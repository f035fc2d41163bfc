/** Floor 4.75: the benchmark. It runs systems as processes, puts them under load, checks what they did, and says what it took. */
export { findEtcd } from './etcd-system.ts';
export { reportRows } from './figures.ts';
export type { RowReport, RunOutcome } from './figures.ts';
export { describeMachine } from './machine.ts';
export type { Machine } from './machine.ts';
export { reportJson } from './report-json.ts';
export type { RunAbout } from './report-json.ts';
export { digits, formatReport } from './report-table.ts';
export { describeRowProblem, parseRow } from './row-parser.ts';
export { rowName } from './row.ts';
export type { Row } from './row.ts';
export { runSuite } from './run-suite.ts';
export { defaultSuite, rowsNamed } from './suite.ts';
export type { Surroundings } from './system.ts';
