/**
 * What proves to a third party that a node lied about a change of view (evidence.ts) [PROTOCOL: view change, detection]. Each holds whatever
 * others do: no correct replica signs any of these. Pure.
 */
import { GENESIS } from '../base/ids.ts';
import type { View } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import { viewChangeDigest } from '../messages/index.ts';
import { WIDEST_CLAIM_LIMITS } from './config.ts';
import { checkChoice } from './decision.ts';
import { NO_CONTRADICTION, by, ofType, pairThatDiffers } from './evidence-case.ts';
import type { Case, ExhibitOf, Finding } from './evidence-case.ts';
import { validateClaims } from './view-change-claims.ts';

/** The VIEW-CHANGEs of the accused for the view of the claim. */
function viewChangesAt({ node, view, exhibits }: Case): readonly ExhibitOf<'view-change'>[] {
  return by(node, ofType(exhibits, 'view-change')).filter(({ content }) => content.view === view);
}

/** The NEW-VIEWs of the accused for the view of the claim. */
function newViewsAt({ node, view, exhibits }: Case): readonly ExhibitOf<'new-view'>[] {
  return by(node, ofType(exhibits, 'new-view')).filter(({ content }) => content.view === view);
}

/** Two different VIEW-CHANGEs for one view. No slot is concerned. */
export function twoViewChanges(of: Case): Finding {
  if (of.sequence !== GENESIS) return NO_CONTRADICTION;
  return pairThatDiffers(viewChangesAt(of), ({ identity }) => identity);
}

/** h fell from a VIEW-CHANGE for a lower view to the one of the claim, whose number is the lower h. */
export function fallenLowWaterMark(of: Case): Finding {
  const later = viewChangesAt(of).find(({ content }) => content.lowWaterMark === of.sequence);
  const earlier = by(of.node, ofType(of.exhibits, 'view-change')).find(
    ({ content }) => content.view < of.view && content.lowWaterMark > of.sequence,
  );
  return later === undefined || earlier === undefined ? NO_CONTRADICTION : ok([later, earlier]);
}

/** COMMIT(v', n, d) says: prepared there. A VIEW-CHANGE for a later view with h < n must list n in P with d of v', or with a later view. */
export function commitLeftOut(of: Case): Finding {
  const [viewChange] = viewChangesAt(of);
  const [commit] = by(of.node, ofType(of.exhibits, 'commit'));
  if (viewChange === undefined || commit === undefined) return NO_CONTRADICTION;
  const { view, sequence, digest } = commit.content;
  const { lowWaterMark, prepared } = viewChange.content;
  if (sequence !== of.sequence || view >= of.view || sequence <= lowWaterMark) return NO_CONTRADICTION;
  const isListed = prepared.some(
    (entry) => entry.sequence === sequence && (entry.view > view || (entry.view === view && entry.digest === digest)),
  );
  return isListed ? NO_CONTRADICTION : ok([viewChange, commit]);
}

/** A VIEW-CHANGE whose claims are out of bounds. No slot is concerned. */
export function invalidViewChange(of: Case): Finding {
  const [viewChange] = viewChangesAt(of);
  if (viewChange === undefined || of.sequence !== GENESIS) return NO_CONTRADICTION;
  return isInvalid(of, viewChange, of.view) ? ok([viewChange]) : nothingFound(of);
}

function isInvalid({ limits = WIDEST_CLAIM_LIMITS }: Case, { content }: ExhibitOf<'view-change'>, view: View): boolean {
  return content.view !== view || validateClaims(content, view, limits) !== undefined;
}

function nothingFound({ limits }: Case): Finding {
  return limits === undefined ? fail({ code: 'unknown-limits' }) : NO_CONTRADICTION;
}

/**
 * A NEW-VIEW that does not follow from the VIEW-CHANGEs it names, all of which must be here: one is invalid or for another view, they are too
 * few, or the choice is not theirs. That each h is proven need not be shown again: a correct primary names no other.
 */
export function wrongChoice(of: Case): Finding {
  const [newView, ...more] = newViewsAt(of);
  if (newView === undefined || more.length > 0 || newView.content.start.sequence !== of.sequence)
    return NO_CONTRADICTION;
  const find = finderOfNamed(of);
  const named: ExhibitOf<'view-change'>[] = [];
  for (const support of newView.content.supports) {
    const found = find(support);
    if (found === undefined) return fail({ code: 'missing-view-change', replica: support.replica });
    named.push(found);
  }
  const isWrong =
    named.some((each) => isInvalid(of, each, of.view)) ||
    checkChoice(
      newView.content,
      named.map(({ content }) => content),
      of.quorums,
    ) !== undefined;
  return isWrong ? ok([newView, ...named]) : nothingFound(of);
}

type Support = ExhibitOf<'new-view'>['content']['supports'][number];

/** Finds the VIEW-CHANGE that a NEW-VIEW names by its sender and its digest. */
function finderOfNamed({ exhibits, codec }: Case): (support: Support) => ExhibitOf<'view-change'> | undefined {
  const digests = ofType(exhibits, 'view-change').map((exhibit) => ({
    exhibit,
    digest: viewChangeDigest(codec, exhibit.content),
  }));
  return ({ replica, digest }) =>
    digests.find((each) => each.exhibit.signer === replica && each.digest === digest)?.exhibit;
}

/** Two different NEW-VIEWs for one view, with the start of one of them. The VIEW-CHANGEs that they name may stand beside them. */
export function twoNewViews(of: Case): Finding {
  const newViews = newViewsAt(of);
  const found = pairThatDiffers(newViews, ({ identity }) => identity);
  if (!found.ok || newViews.every(({ content }) => content.start.sequence !== of.sequence)) return NO_CONTRADICTION;
  const named = new Set(newViews.flatMap(({ content }) => content.supports.map(nameOf)));
  const beside = ofType(of.exhibits, 'view-change').filter(({ signer, content }) =>
    named.has(nameOf({ replica: signer, digest: viewChangeDigest(of.codec, content) })),
  );
  return ok([...found.value, ...beside]);
}

function nameOf({ replica, digest }: Support): string {
  return `${replica} ${digest}`;
}

/** A NEW-VIEW counts as the PRE-PREPARE of what it chose: a PRE-PREPARE for another digest at a number that it chose. */
export function prePrepareBesideChoice(of: Case): Finding {
  const [newView] = newViewsAt(of);
  const [sent] = by(of.node, ofType(of.exhibits, 'pre-prepare'));
  if (newView === undefined || sent === undefined) return NO_CONTRADICTION;
  const { view, sequence, digest } = sent.content;
  if (view !== of.view || sequence !== of.sequence) return NO_CONTRADICTION;
  const chosen = newView.content.slots.find((slot) => slot.sequence === sequence);
  return chosen === undefined || chosen.digest === digest ? NO_CONTRADICTION : ok([newView, sent]);
}
