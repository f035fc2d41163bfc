/** What all pages share: skip link, header with the way to the other pages, the switch between light and dark. */
import { render } from 'preact';
import type { ComponentChildren, VNode } from 'preact';
import { chooseScheme, chosenScheme, useScheme } from './environment.ts';
import '../style/tokens.css';
import '../style/base.css';

const PAGES = [
  { name: 'Dashboard', path: '/' },
  { name: 'Lab', path: '/lab' },
  { name: 'API', path: '/docs' },
] as const;
export type PageName = (typeof PAGES)[number]['name'];

export interface PageProps {
  readonly name: PageName;
  /** Facts at the right end of the header. */
  readonly facts?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Page({ name, facts, children }: PageProps): VNode {
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        To the content
      </a>
      <header class="top">
        <span class="name">
          <Emblem />
          pbft
        </span>
        <nav aria-label="Pages">
          <ul>
            {PAGES.map((page) => (
              <li key={page.path}>
                <a href={page.path} {...(page.name === name ? { 'aria-current': 'page' as const } : {})}>
                  {page.name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="facts">
          {facts}
          <SchemeSwitch />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** Without touching the address: what stands behind its `#` may be a run of the lab. */
function skipToMain(event: Event): void {
  event.preventDefault();
  const main = document.querySelector<HTMLElement>('#main');
  main?.focus();
  main?.scrollIntoView();
}

function SchemeSwitch(): VNode {
  const scheme = useScheme();
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <button type="button" class="button quiet" onClick={() => chooseScheme(other)}>
      <span aria-hidden="true">{scheme === 'dark' ? '☀' : '☾'}</span>
      <span>{other === 'dark' ? 'Dark' : 'Light'}</span>
    </button>
  );
}

function Emblem(): VNode {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <g fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round">
        <path d="M4 7h24M4 16h24M4 25h24" opacity=".4" />
        <path d="M7 7l8 9M7 7l8 18M17 16l8-9M17 25l8-9" />
      </g>
      <g fill="currentColor">
        <circle cx="7" cy="7" r="3" />
        <circle cx="16" cy="16" r="3" />
        <circle cx="16" cy="25" r="3" />
        <circle cx="26" cy="7" r="3" />
      </g>
    </svg>
  );
}

/** Puts a page in place of what the HTML holds. The scheme is set first, so that nothing flashes. */
export function mount(page: VNode): void {
  chooseScheme(chosenScheme.value);
  const host = document.querySelector('#app');
  if (host === null) throw new Error('the page has no element #app');
  host.replaceChildren();
  render(page, host);
}
