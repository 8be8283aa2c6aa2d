import express from 'express';
import pg from 'pg';

/**
 * What validate-key is measured against: a bare Express route that returns a constant, and one that does one named prepared
 * join over the same tables. Neither checks its input, counts, signs or logs.
 */

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 16 });

const text = `
  select l.id, l.name, l.product_id, l.policy_id, l.expires_at, l.vendor_status, l.created_at, p.code, o.expiration_strategy, o.require_fingerprint,
    o.max_machines, o.max_uses, m.id as machine_id, m.last_heartbeat_at,
    array(select e.code from license_entitlements g join entitlements e on e.id = g.entitlement_id
      where g.scope_id = l.scope_id and g.license_id = l.id and e.deleted_at is null order by e.code) as entitlements
  from licenses l
  join products p on p.id = l.product_id
  join policies o on o.id = l.policy_id
  left join machines m on m.license_id = l.id and m.fingerprint = $2 and m.deleted_at is null
  where l.key_hash = $1 and l.deleted_at is null`;

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.use(express.json());
app.post('/constant', (_request, response) => {
  response.json({ data: { valid: true, code: 'VALID', detail: 'The license is valid.', license: null, machine: null, entitlements: [] } });
});
app.post('/join', async (request, response) => {
  const { rows } = await pool.query({ name: 'join', text, values: [Buffer.from(request.body.hash, 'hex'), request.body.fingerprint] });
  response.json({ data: rows[0] });
});

const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}\n`);
});
