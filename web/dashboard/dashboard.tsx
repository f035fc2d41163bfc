/** The dashboard of a cluster that was joined: everything on it is drawn from the store. */
import type { Signal } from '@preact/signals';
import type { ComponentChildren, VNode } from 'preact';
import { useCallback, useEffect, useMemo } from 'preact/hooks';
import { ReplicaCard } from '../components/replica-card.tsx';
import { RequestList } from '../components/request-list.tsx';
import { Sign } from '../components/sign.tsx';
import { SpaceTime } from '../components/space-time/space-time.tsx';
import { SuspicionList } from '../components/suspicion-list.tsx';
import { clockText } from '../components/text.ts';
import { ViewChangeList } from '../components/view-change-list.tsx';
import { primaryOf } from '../model/nodes.ts';
import type { Picture } from '../model/picture.ts';
import type { ClusterStore } from './cluster-store.ts';
import { ExplainList } from './explain-list.tsx';
import { FiguresPanel } from './figures-panel.tsx';
import { FirstMinute } from './first-minute.tsx';
import { LinkTable } from './link-table.tsx';
import { NodeControls } from './node-controls.tsx';
import type { NodeControlsProps } from './node-controls.tsx';
import type { Orders } from './orders.ts';
import { RequestForm } from './request-form.tsx';
import type { RequestSender } from './request-sender.ts';
import { standingOf } from './standing.ts';
import type { Tour } from './tour.ts';
import './dashboard.css';

export interface DashboardProps {
  readonly store: ClusterStore;
  readonly picture: Picture;
  readonly sender: RequestSender;
  readonly orders: Orders;
  readonly tour: Tour;
  readonly focus: Signal<number | undefined>;
}

const RECENT_REQUESTS = 12;

export function Dashboard(props: DashboardProps): VNode {
  const { store, picture, sender, focus, tour } = props;
  const version = store.version.value;
  const cluster = store.cluster.value;
  const presences = store.presences.value;
  const isSeen = useCallback((party: string) => presences.get(party) === 'up', [presences]);
  const onFocus = useCallback((sequence: number | undefined) => void (focus.value = sequence), [focus]);
  const requests = useMemo(() => [...picture.requests.values()].slice(-RECENT_REQUESTS).toReversed(), [version]);
  const standing = standingOf(picture, presences, cluster?.node_id ?? '');
  const { samples } = picture.figures;
  // What does not follow the picture's version follows signals of its own, and is not gone through with every redraw.
  const steady = useMemo(
    () => ({
      send: <SendPanel {...props} onFocus={onFocus} />,
      explain: <ExplainPanel {...props} />,
      links: <Links {...props} />,
    }),
    [store, picture, sender, props.orders],
  );
  useEffect(() => {
    document.title = `${standing.state === 'ok' ? '' : '⚠ '}Dashboard · pbft`;
  }, [standing.state]);
  return (
    <div class="dashboard">
      <h1 class="hidden-text">Dashboard of the cluster</h1>
      <p class="standing" role="status" data-testid="standing">
        <Sign state={standing.state}>{STANDING_WORDS[standing.state]}</Sign>
        <span>{standing.text}</span>
      </p>
      {tour.isHidden.value ? undefined : (
        <FirstMinute steps={tour.steps()} onHide={() => void (tour.isHidden.value = true)} />
      )}
      <Replicas {...props} version={version} />
      <OrderReport orders={props.orders} isLab={cluster?.lab === true} />
      <div class="columns">
        <div class="column main">
          <Panel id="flow" title="Message flow" note="each arrow is a message that was sent">
            <SpaceTime
              picture={picture}
              version={version}
              isSeen={isSeen}
              focus={focus.value}
              onFocus={onFocus}
              formatTime={clockText}
            />
          </Panel>
          <Panel
            id="requests"
            title="Requests"
            note="votes of those that each phase takes; press a number to see it alone"
          >
            <RequestList
              requests={requests}
              slots={picture.slots}
              quorums={picture.quorums}
              labels={sender.labels.value}
              isOpen={(request) => picture.isOpen(request)}
              focus={focus.value}
              onFocus={onFocus}
            />
          </Panel>
        </div>
        <div class="column side">
          {steady.send}
          {steady.explain}
        </div>
        <div class="column told">
          <Panel id="suspicions" title="Suspicions" note="who is said to lie, and what was seen">
            <SuspicionList suspicions={picture.suspicions.sorted()} faultLimit={picture.members.faultLimit} />
          </Panel>
          <Panel id="views" title="View changes">
            <ViewChangeList changes={picture.viewChanges.list} quorum={picture.members.quorum} formatTime={clockText} />
          </Panel>
        </div>
      </div>
      <div class="bottom">
        <Panel id="figures" title="Figures" note="of the last three minutes">
          {useMemo(
            () => (
              <FiguresPanel samples={[...samples]} />
            ),
            [samples.at(-1)],
          )}
        </Panel>
        {steady.links}
      </div>
    </div>
  );
}

const STANDING_WORDS = { ok: 'fine', warn: 'bears it', bad: 'stands still', off: 'joining' } as const;

interface PanelProps {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  readonly children: ComponentChildren;
}

function Panel({ id, title, note, children }: PanelProps): VNode {
  return (
    <section class="panel" id={id} aria-labelledby={`${id}-title`} tabIndex={-1}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        {note === undefined ? undefined : <span class="small soft">{note}</span>}
      </header>
      {children}
    </section>
  );
}

function SendPanel({
  store,
  picture,
  sender,
  onFocus,
}: DashboardProps & { onFocus: (sequence: number | undefined) => void }): VNode {
  const application = store.cluster.value?.application ?? '';
  return (
    <Panel id="send" title="Send a request" note={application}>
      <RequestForm
        application={application}
        nodes={picture.members.nodes}
        outcome={sender.outcome.value}
        onSend={(order) => void sender.send(order)}
        onFocus={onFocus}
      />
    </Panel>
  );
}

function ExplainPanel({ store, picture }: DashboardProps): VNode {
  const presences = store.presences.value;
  return (
    <Panel id="explain" title="Why nothing moves" note="what each node waits for">
      <ExplainList
        nodes={picture.members.nodes}
        explanations={store.explanations.value}
        isUp={(node) => presences.get(node) === 'up'}
      />
    </Panel>
  );
}

/** `version`: of the picture, which changes without being another one; signals alone would draw the cards only when nodes are asked. */
function Replicas({ store, picture, orders }: DashboardProps & { readonly version: number }): VNode {
  const cluster = store.cluster.value;
  const presences = store.presences.value;
  const certain = picture.suspicions.certainNodes();
  const suspected = new Set([...picture.suspicions.byName.values()].map(({ node }) => node));
  const primary = primaryOf(picture.view, picture.members.nodes.length);
  return (
    <section aria-label="Replicas" class="replicas">
      {[...picture.nodes.values()].map((node) => {
        const presence = presences.get(node.name) ?? 'connecting';
        const status = store.statuses.value.get(node.name);
        return (
          <ReplicaCard
            key={node.name}
            node={node}
            presence={presence}
            isPrimary={node.name === primary}
            isCaught={certain.has(node.name)}
            isSuspected={suspected.has(node.name)}
            highestExecuted={picture.figures.highestExecuted}
            windowSlots={status === undefined ? undefined : status.high_water_mark - status.low_water_mark}
            nowUs={node.lastUs}
            isServing={node.name === cluster?.node_id}
            note={presence === 'up' ? status?.warnings[0] : store.refusalOf(node.name)}
          >
            {cluster?.lab === true ? (
              <Controls store={store} orders={orders} node={node.name} presence={presence} behaviour={node.behaviour} />
            ) : undefined}
          </ReplicaCard>
        );
      })}
    </section>
  );
}

type ControlsProps = Pick<DashboardProps, 'store' | 'orders'> &
  Pick<NodeControlsProps, 'node' | 'presence' | 'behaviour'>;

function Controls({ store, orders, node, presence, behaviour }: ControlsProps): VNode {
  const behaviours = orders.behaviours.value;
  const isSupervised = store.lab.value !== undefined;
  const process = store.lab.value?.nodes.find(({ node_id }) => node_id === node)?.state;
  const hasEnded = process === 'killed' || process === 'waiting' || process === 'down';
  return useMemo(
    () => (
      <NodeControls
        node={node}
        presence={presence}
        behaviour={behaviour}
        behaviours={behaviours}
        isSupervised={isSupervised}
        hasEnded={hasEnded}
        onMisbehave={(chosen) => void orders.misbehave(node, chosen)}
        onAct={(action) => void orders.act(node, action)}
      />
    ),
    [orders, node, presence, behaviour, behaviours, isSupervised, hasEnded],
  );
}

/** What came of the last order. It keeps its place, said or not. */
function OrderReport({ orders, isLab }: { orders: Orders; isLab: boolean }): VNode | undefined {
  if (!isLab) return undefined;
  const report = orders.report.value;
  return (
    <p class="order-report small" role="status">
      {report === undefined ? (
        <span class="soft">Lab mode: nodes can be made to lie, killed, paused and cut off from here.</span>
      ) : (
        <>
          <Sign state={report.isOk ? 'ok' : 'bad'}>{report.isOk ? 'done' : 'not done'}</Sign> {report.text}
        </>
      )}
    </p>
  );
}

function Links({ store, picture, orders }: DashboardProps): VNode | undefined {
  const lab = store.lab.value;
  if (store.cluster.value?.lab !== true) return undefined;
  return (
    <Panel id="links" title="Links" note="lab mode: press one to cut it, slow it, and mend it">
      {lab === undefined ? (
        <p class="empty">
          <span>
            Nobody is there to kill nodes and cut links: for that the cluster is started by <code>pbft up</code>.
          </span>
        </p>
      ) : (
        <LinkTable nodes={picture.members.nodes} lab={lab} onSwitch={(order) => void orders.switchLink(order)} />
      )}
    </Panel>
  );
}
