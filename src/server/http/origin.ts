/**
 * Who may call, as far as a browser tells us: the `Host` that was asked for and the `Origin` of the page that asked. Loopback alone does not
 * protect a service: any web page can make its visitor's browser call 127.0.0.1, and a DNS name of its own can point there.
 */

export interface DoorNames {
  /** Names besides loopback that a `Host` header may carry, without port. */
  readonly allowedHosts: readonly string[];
  /** `http://host:port` of every node of the cluster. */
  readonly clusterUrls: readonly string[];
}

const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Lowercase host name of a `Host` header, IPv6 addresses in brackets; undefined when it is none. */
export function hostName(header: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?$/.exec(header.toLowerCase());
  return match?.[1]?.replace(/\.$/, '');
}

/** localhost, 127.0.0.0/8 and ::1. */
export function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '::1' || name === '[::1]' || /^127(?:\.[0-9]{1,3}){3}$/.test(name);
}

/** Decides on `Host` and `Origin`. Built once; what it says of a name never changes. */
export class OriginPolicy {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  #lastAllowed: string | undefined;

  constructor({ allowedHosts, clusterUrls }: DoorNames) {
    this.#hosts = new Set(allowedHosts.map((name) => bracketed(name.toLowerCase())));
    this.#origins = new Set(clusterUrls.flatMap(originsOf));
  }

  isHostAllowed(header: string | undefined): boolean {
    // A client asks for the same host again and again.
    if (header === undefined || header === this.#lastAllowed) return header !== undefined;
    const name = hostName(header);
    const isAllowed = name !== undefined && (isLoopbackName(name) || this.#hosts.has(name));
    if (isAllowed) this.#lastAllowed = header;
    return isAllowed;
  }

  /** `host`: a `Host` header that {@link isHostAllowed}. A page served from that very host and port is no stranger. */
  isOriginAllowed(origin: string, host: string): boolean {
    const given = origin.toLowerCase();
    return (
      this.#origins.has(given) || given === `http://${host.toLowerCase()}` || given === `https://${host.toLowerCase()}`
    );
  }
}

function bracketed(name: string): string {
  return name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
}

/** The origin of a node's URL; on loopback under each of its names, since people type any of them. */
function originsOf(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { protocol, hostname, port, origin } = new URL(url);
  if (!isLoopbackName(hostname)) return [origin];
  const suffix = port === '' ? '' : `:${port}`;
  return [origin, ...LOOPBACK_NAMES.map((name) => `${protocol}//${name}${suffix}`)];
}
