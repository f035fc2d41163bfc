/** REQUESTS: the requests of clients on their way to a replica, from the clients or passed on by another replica. */
import { authenticatedRequests } from './authenticated-requests.ts';
import { message } from './message-schema.ts';
import type { ValueOf } from './schema/schema.ts';

/** Each request proves itself; the frame around them needs no proof. */
export const requests = message({ type: 'requests', tag: 7, content: { requests: authenticatedRequests } });

/** REQUESTS. */
export type Requests = ValueOf<typeof requests>;
