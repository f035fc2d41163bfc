/** The page `/`: joins the cluster, and draws what state it is in, from the first moment on. */
import { effect, signal } from '@preact/signals';
import type { VNode } from 'preact';
import { mount, Page } from '../components/page.tsx';
import { Sign } from '../components/sign.tsx';
import { ClusterStore } from './cluster-store.ts';
import { Dashboard } from './dashboard.tsx';
import { Orders } from './orders.ts';
import { RequestSender } from './request-sender.ts';
import { TokenForm } from './token-form.tsx';
import { Tour } from './tour.ts';
import './dashboard.css';

const store = new ClusterStore();
const sender = new RequestSender(store);
const orders = new Orders(store);
const focus = signal<number | undefined>(undefined);
const tour = new Tour({
  store,
  sender,
  orders,
  onFocus: (sequence) => void (focus.value = sequence),
  onShowSuspicions: () => {
    const panel = document.querySelector<HTMLElement>('#suspicions');
    panel?.scrollIntoView({ block: 'center' });
    panel?.focus({ preventScroll: true });
  },
});

function App(): VNode {
  return (
    <Page name="Dashboard" facts={<Facts />}>
      <Content />
    </Page>
  );
}

function Content(): VNode {
  const phase = store.phase.value;
  const picture = store.picture.value;
  if (phase.kind === 'needs-token')
    return <TokenForm wasRefused={phase.wasRefused} onToken={(token) => void store.signIn(token)} />;
  if (phase.kind === 'failed')
    return (
      <section class="panel narrow" role="alert">
        <header>
          <h1>The cluster does not answer</h1>
        </header>
        <p>{phase.why.message} It is asked again and again.</p>
      </section>
    );
  if (phase.kind === 'loading' || picture === undefined)
    return (
      <section class="panel narrow" role="status">
        <header>
          <h1>Joining the cluster…</h1>
        </header>
        <p class="soft">Asking who belongs to it.</p>
      </section>
    );
  return <Dashboard store={store} picture={picture} sender={sender} orders={orders} tour={tour} focus={focus} />;
}

function Facts(): VNode | undefined {
  const cluster = store.cluster.value;
  if (cluster === undefined) return undefined;
  const up = [...store.presences.value.values()].filter((presence) => presence === 'up').length;
  const state = up === cluster.n ? 'ok' : up >= cluster.quorum_size ? 'warn' : 'bad';
  return (
    <>
      <span>
        n = {cluster.n}, f = {cluster.f}, quorum {cluster.quorum_size}
      </span>
      <span>
        {cluster.application}, {cluster.authentication}
        {cluster.authentication === 'mac' ? ` (${cluster.mac})` : ''}
      </span>
      {cluster.lab ? <Sign state="off">lab mode</Sign> : undefined}
      <Sign state={state}>
        {up}/{cluster.n} up
      </Sign>
    </>
  );
}

effect(() => {
  if (store.phase.value.kind === 'ready') void orders.learnBehaviours();
});
void store.start();
mount(<App />);
