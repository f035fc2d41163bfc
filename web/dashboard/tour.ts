/** The steps of the first minute, and what has been reached of them. A step once done stays done. */
import { signal } from '@preact/signals';
import { primaryOf } from '../model/nodes.ts';
import type { ClusterStore } from './cluster-store.ts';
import type { Step } from './first-minute.tsx';
import type { Orders } from './orders.ts';
import type { RequestSender } from './request-sender.ts';

const STEP_NAMES = ['request', 'phases', 'lie', 'caught', 'kill'] as const;
type StepName = (typeof STEP_NAMES)[number];

export interface TourParts {
  readonly store: ClusterStore;
  readonly sender: RequestSender;
  readonly orders: Orders;
  /** Shows a number alone in the diagram; undefined: all. */
  readonly onFocus: (sequence: number | undefined) => void;
  /** Takes the reader to what is said against nodes. */
  readonly onShowSuspicions: () => void;
}

export class Tour {
  readonly isHidden = signal(false);
  readonly #parts: TourParts;
  readonly #done = new Set<StepName>();
  readonly #looked = signal<ReadonlySet<StepName>>(new Set());
  /** Who was told to lie by this tour. */
  #liar: string | undefined;
  /** The view when a node was first seen down. */
  #viewAtFall: number | undefined;

  constructor(parts: TourParts) {
    this.#parts = parts;
  }

  /** The steps as they stand. Reads signals: whoever draws them is drawn anew when they change. */
  steps(): readonly Step[] {
    const { store } = this.#parts;
    const picture = store.picture.value;
    void store.version.value;
    const isLab = store.cluster.value?.lab === true;
    const isSupervised = store.lab.value !== undefined;
    this.#check();
    const view = picture?.view ?? 0;
    const primary = primaryOf(view, picture?.members.nodes.length ?? 1);
    const liar =
      this.#liar ?? (primary === 'node2' ? primaryOf(view + 1, picture?.members.nodes.length ?? 1) : 'node2');
    const isLying = (picture?.nodes.get(liar)?.behaviour ?? null) !== null;
    const canBear = (picture?.members.faultLimit ?? 0) > 0;
    const noFault = canBear ? undefined : 'With so few nodes none may fail: it takes four to bear one.';
    const noLab = isLab ? undefined : 'The nodes do not run in lab mode, so they cannot be told to misbehave.';
    const noSupervisor = isSupervised
      ? undefined
      : 'The nodes were not started by “pbft up”: end the process of the primary yourself.';
    return [
      {
        title: 'Send a request',
        text: 'A transfer, ordered by all nodes and executed by each of them.',
        button: 'Send a transfer',
        hindrance: undefined,
        ...this.#state('request', () => void this.#send()),
      },
      {
        title: 'Watch its three phases',
        text: 'Pre-prepare, prepare, commit: each arrow in the diagram is a message that was sent.',
        button: 'Show its way',
        hindrance: this.#done.has('request') ? undefined : 'Send a request first.',
        ...this.#state('phases', () => this.#showLast()),
      },
      {
        title: `Make ${liar} lie`,
        text: `${liar} votes for something else than the others. Then a request, so that it has something to lie about.`,
        button: `Make ${liar} lie`,
        hindrance: noLab ?? noFault,
        ...this.#state('lie', () => void this.#lie(liar)),
      },
      {
        title: 'See it caught, and why',
        text: 'The honest nodes say who it was, what they saw, and how sure they are.',
        button: 'Show what they saw',
        hindrance: (picture?.suspicions.byName.size ?? 0) > 0 ? undefined : 'Nobody has seen anything yet.',
        ...this.#state('caught', () => this.#showCaught()),
      },
      {
        title: `Kill the primary`,
        text: isLying
          ? `One of these nodes may fail at a time: ${liar} is told to behave first. Then ${primary} dies, and the others go on.`
          : `${primary} dies. The others wait half a second for it, and go on in the next view.`,
        button: `Kill ${primary}`,
        hindrance: noLab ?? noSupervisor ?? noFault,
        ...this.#state('kill', () => void this.#kill(primary, isLying ? liar : undefined)),
      },
    ];
  }

  #state(name: StepName, onDo: () => void): Pick<Step, 'isDone' | 'onDo'> {
    return { isDone: this.#done.has(name), onDo };
  }

  #check(): void {
    const { store } = this.#parts;
    const picture = store.picture.value;
    if (picture === undefined) return;
    if (picture.figures.highestExecuted > 0 && this.#parts.sender.executed.value > 0) this.#done.add('request');
    if (this.#looked.value.has('phases')) this.#done.add('phases');
    const liars = [...picture.nodes.values()].filter(({ behaviour }) => behaviour !== null);
    if (liars.length > 0) this.#done.add('lie');
    if (this.#looked.value.has('caught')) this.#done.add('caught');
    if ([...store.presences.value.values()].includes('down')) this.#viewAtFall ??= picture.view;
    const before = this.#viewAtFall;
    const isReplaced =
      before !== undefined &&
      picture.viewChanges.list.some(({ view, entered }) => view > before && entered.size >= picture.members.quorum);
    if (isReplaced) this.#done.add('kill');
  }

  #look(name: StepName): void {
    this.#looked.value = new Set(this.#looked.value).add(name);
  }

  async #send(node?: string): Promise<void> {
    this.#parts.onFocus(undefined);
    const body = { operation: 'transfer', to: 'alice', amount: 100 };
    const { store, sender } = this.#parts;
    const isCounter = store.cluster.value?.application === 'counter';
    await sender.send({
      body: isCounter ? { operation: 'increment' } : body,
      node,
      isReadOnly: false,
      idempotencyKey: '',
    });
  }

  #showLast(): void {
    const outcome = this.#parts.sender.outcome.value;
    const sequence = outcome.kind === 'answered' ? outcome.body.sequence : undefined;
    this.#parts.onFocus(sequence ?? this.#parts.store.picture.value?.figures.highestExecuted);
    this.#look('phases');
  }

  async #lie(liar: string): Promise<void> {
    this.#liar = liar;
    if (await this.#parts.orders.misbehave(liar, 'corrupt')) await this.#send();
  }

  #showCaught(): void {
    this.#look('caught');
    this.#parts.onShowSuspicions();
  }

  async #kill(primary: string, liar: string | undefined): Promise<void> {
    const { orders, store } = this.#parts;
    if (liar !== undefined && !(await orders.misbehave(liar, undefined))) return;
    if (!(await orders.act(primary, 'kill'))) return;
    const other = store.cluster.value?.nodes.map(({ node_id }) => node_id).find((name) => name !== primary);
    await this.#send(other);
  }
}
