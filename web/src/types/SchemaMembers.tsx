// Owns what the data of a type holds: its members as a table, and the schema as it is.
import { JsonView } from "../ui/JsonView";
import { schemaMembers } from "./schemaWords";

export function SchemaMembers({
  schema,
  sensitive,
}: {
  schema: unknown;
  sensitive: readonly string[];
}) {
  if (schema === null || schema === undefined) {
    return (
      <section>
        <h3>Its data</h3>
        <p className="small muted">Any value will do.</p>
      </section>
    );
  }
  const members = schemaMembers(schema);
  return (
    <section>
      <h3>Its data</h3>
      <dl className="members">
        {members.map((member) => (
          <div key={member.name}>
            <dt>
              <code>{member.name}</code>
            </dt>
            <dd>
              <span className="muted">{member.kind}</span>
              {member.required && <span className="badge">required</span>}
              {sensitive.includes(member.name) && <SensitiveMark />}
            </dd>
          </div>
        ))}
        {sensitive
          .filter((path) => !members.some((member) => member.name === path))
          .map((path) => (
            <div key={path}>
              <dt>
                <code>{path}</code>
              </dt>
              <dd>
                <SensitiveMark />
              </dd>
            </div>
          ))}
      </dl>
      <details>
        <summary>JSON Schema</summary>
        <JsonView text={JSON.stringify(schema)} name="JSON Schema" />
      </details>
    </section>
  );
}

function SensitiveMark() {
  return (
    <span className="badge" title="Secrets are looked for here first; personal data may stand here">
      may hold secrets
    </span>
  );
}
