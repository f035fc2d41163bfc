/** Floor 4.5: a node as a process runs it. */
export { backupNode } from './backup/backup-node.ts';
export type { BackupAbout } from './backup/backup-file.ts';
export { restoreNode } from './backup/restore-node.ts';
export type { Restored } from './backup/restore-node.ts';
export type { DriverFault } from './driver.ts';
export { checkNode } from './inspection/check-node.ts';
export type { NodeCheck } from './inspection/check-node.ts';
export { inspectNode } from './inspection/inspect-node.ts';
export type { LogInspection, NodeInspection, SegmentInspection, StateContent } from './inspection/inspect-node.ts';
export type { Finding, PartReport } from './inspection/part-report.ts';
export type { LinkOrder } from './link-control.ts';
export { FAULT_EXIT_CODES, startNode } from './node.ts';
export type { RunningNode } from './node.ts';
export { boundProcessMemory } from './process-memory.ts';
export type { NodeOptions } from './node-options.ts';
export type { StartFault, StartFaultCode } from './preparation.ts';
export type { LabOrder, LabOutcome, Supervision } from './supervision.ts';
