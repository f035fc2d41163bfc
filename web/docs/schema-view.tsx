/** A schema as a list of its members, with what each may be. */
import type { VNode } from 'preact';
import { membersOf, typeText } from './openapi.ts';
import type { Schema } from './openapi.ts';

export interface SchemaViewProps {
  readonly schema: Schema;
  /** Only its type, in the line that it stands in. */
  readonly isInline?: boolean;
  readonly depth?: number;
}

/** Below this, members are folded away. */
const OPEN_DEPTH = 1;
const MAX_DEPTH = 6;

export function SchemaView({ schema, isInline = false, depth = 0 }: SchemaViewProps): VNode {
  const members = membersOf(schema);
  if (isInline || members.length === 0 || depth > MAX_DEPTH)
    return (
      <span class="type">
        {typeText(schema)}
        {schema.pattern === undefined ? undefined : <code class="tiny"> {schema.pattern}</code>}
        {schema.default === undefined ? undefined : (
          <span class="tiny"> unless given: {JSON.stringify(schema.default)}</span>
        )}
      </span>
    );
  const list = (
    <ul class="members">
      {members.map((member) => (
        <li key={member.name}>
          <code>{member.name}</code>
          {member.isRequired ? undefined : <span class="tiny soft"> may be left out</span>}{' '}
          <SchemaView schema={member.schema} isInline />
          {member.schema.description === undefined ? undefined : <p class="small soft">{member.schema.description}</p>}
          {membersOf(member.schema).length === 0 ? undefined : <SchemaView schema={member.schema} depth={depth + 1} />}
        </li>
      ))}
    </ul>
  );
  if (depth < OPEN_DEPTH) return list;
  return (
    <details>
      <summary class="small">its members</summary>
      {list}
    </details>
  );
}
