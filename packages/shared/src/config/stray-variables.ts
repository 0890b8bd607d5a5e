// Finds texts that still look like `${NAME}` after variables were put in, in fields of a fixed form: the value of a
// variable that itself holds `${…}`, or a literal `$${`. The schema lets such texts through, because a process without
// secrets keeps its variables as they are; here they are told apart.
import type { ConfigIssue } from './config-error.ts';
import { holdsVariable } from './fields.ts';
import { printPath } from './key-spelling.ts';
import { describeFound } from './locate.ts';
import { schemaAt } from './schema-at.ts';
import { factsOf, type Schema, takesTextOnly } from './shape.ts';
import type { Path, TreeNode } from './tree.ts';

/** The paths of such texts, each with its issue. */
export function strayVariables(root: TreeNode, schema: Schema): readonly { path: Path; issue: ConfigIssue }[] {
  const found: { path: Path; issue: ConfigIssue }[] = [];
  const visit = (node: TreeNode, path: Path): void => {
    if (node.kind === 'list') for (const [index, item] of node.items.entries()) visit(item, [...path, index]);
    else if (node.kind === 'map') for (const [key, entry] of node.entries) visit(entry.node, [...path, key]);
    else if (typeof node.value === 'string' && node.unresolved === undefined && holdsVariable(node.value)) {
      const own = schemaAt(schema, root, path);
      const facts = own === undefined ? undefined : factsOf(own);
      if (own === undefined || facts === undefined || facts.freeText === true || !takesTextOnly(own)) return;
      const expected = facts.expects;
      const issue = {
        ...node.place,
        path: printPath(path),
        message: `expected ${expected}, and still holds a \${…}: variables are put in once, not in each other's values`,
        expected,
        found: describeFound(root, path),
      };
      found.push({ path, issue });
    }
  };
  visit(root, []);
  return found;
}
