import type { TestService } from './service.ts';

/** All that belongs to the test side of the default account, a text a table, but for what a mere call notes: when a key was last used. */
export async function everythingOwned({ service }: TestService): Promise<Record<string, string>> {
  const em = service.dependencies.database.em.fork();
  const { id } = service.dependencies.scopes.find(({ mode }) => mode === 'test')!;
  await service.dependencies.validations.flush();
  await service.dependencies.appEvents.flush();
  const tables = await em.execute<{ name: string }[]>(`select table_name as name from information_schema.columns where column_name = 'scope_id' and table_schema = 'public' order by 1`);
  const owned: Record<string, string> = {};
  for (const { name } of tables) {
    const [row] = await em.execute<{ rows: string }[]>(`select coalesce(string_agg((to_jsonb(t) - 'last_used_at')::text, E'\\n' order by (to_jsonb(t) - 'last_used_at')::text), '') as rows from ${name} t where scope_id = ?`, [id]);
    owned[name] = row!.rows;
  }
  return owned;
}
