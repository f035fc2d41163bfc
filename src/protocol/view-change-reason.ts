/** Why a replica leaves its view: for events, logs and people. */
export type ViewChangeReason =
  /** Nothing was executed within T, or the view change before it did not end in time. */
  | 'timeout'
  /** The primary sent two batches for one number. */
  | 'equivocation'
  /** f+1 others are in higher views. */
  | 'joined'
  /** The NEW-VIEW does not follow from the VIEW-CHANGEs in it. */
  | 'wrong-new-view'
  /** The primary is slow or leaves requests out. */
  | 'slow-primary'
  /** A primary that started again may propose nothing more in its view (proposing.ts). */
  | 'restart'
  /** A replica stood alone in the next view for long, and takes part again only there (stray.ts); also of those whom others' leaving for it moved. */
  | 'stray'
  /** A replica that lost its log, this one or another, has recovered and may vote only from there on. */
  | 'recovery';
