/** REQUESTS: the requests of clients on their way to a replica, from the clients or passed on by another replica. */
import { authenticatedRequests } from './authenticated-requests.ts';
import { message } from './message-schema.ts';
import { constant } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

const word = constant('requests');

const content = { requests: authenticatedRequests };
type Content = typeof content;

/** Each request proves itself; the frame around them needs no proof. */
export const requests = message<'requests', Content>({
  type: 'requests',
  tag: 7,
  content,
  quick: {
    read: (reader) => ({ type: word.read(reader), requests: authenticatedRequests.read(reader) }),
    write(writer, value) {
      word.write(writer, value.type);
      authenticatedRequests.write(writer, value.requests);
    },
  },
});

/** REQUESTS. */
export type Requests = ValueOf<typeof requests>;
