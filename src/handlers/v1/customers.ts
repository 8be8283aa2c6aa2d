import { z } from 'zod';
import type { Database } from '../../database/orm.ts';
import { banCustomer } from '../../licensing/ban-customer.ts';
import { createCustomer, customerRequest } from '../../licensing/create-customer.ts';
import { deleteCustomer } from '../../licensing/delete-customer.ts';
import { type CustomerDetails, listCustomers, readCustomer } from '../../licensing/read-customers.ts';
import { customerChange, updateCustomer } from '../../licensing/update-customer.ts';
import { answersMany, answersNothing, answersOne, done, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown, timestamps, withoutScope } from './view.ts';

const customersQuery = pageQuery.extend({ email: z.string().min(1).max(320).optional(), q: z.string().min(1).max(320).optional() });

const customer = z.strictObject({
  id: shown.id, email: z.string(), name: shown.text, metadata: shown.metadata, bannedAt: shown.timeOrNull, unsubscribedAt: shown.timeOrNull.meta({ description: 'Since when they get no reminders, as they asked for.' }),
  licensesCount: shown.count, stripeCustomerIds: z.array(z.string()), ...timestamps,
}).meta({ id: 'Customer' });

const path = '/api/v1/customers';

export function customerRoutes({ database }: { database: Database }): Route[] {
  return [
    managementRoute({ method: 'post', path, permission: 'customers:write', summary: 'Create a customer', input: customerRequest, answers: answersOne(customer, 201), refuses: ['CONFLICT'] }, async ({ scope, input, now }) =>
      one(await createCustomer(database, scope, input, now), viewCustomer),
    ),
    managementRoute({ method: 'get', path, permission: 'customers:read', summary: 'List customers', input: customersQuery, answers: answersMany(customer) }, async ({ scope, input }) => {
      const { limit, cursor, ...filter } = input;
      return many(await listCustomers(database, scope, filter, { limit, cursor }), viewCustomer);
    }),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'customers:read', summary: 'Read a customer', input: noInput, answers: answersOne(customer) }, async ({ scope, id }) =>
      one(await readCustomer(database, scope, id), viewCustomer),
    ),
    managementRoute({ method: 'patch', path: `${path}/:id`, permission: 'customers:write', summary: 'Change a customer', input: customerChange, answers: answersOne(customer), refuses: ['CONFLICT'] }, async ({ scope, id, input, now }) =>
      one(await updateCustomer(database, { scope, id }, input, now), viewCustomer),
    ),
    managementRoute({ method: 'delete', path: `${path}/:id`, permission: 'customers:write', summary: 'Delete a customer without licenses', input: noInput, answers: answersNothing, refuses: ['CONFLICT'] }, async ({ scope, id, now }) =>
      done(await deleteCustomer(database, { scope, id }, now)),
    ),
    ...(['ban', 'unban'] as const).map((verb) =>
      managementRoute({ method: 'post', path: `${path}/:id/${verb}`, permission: 'customers:write', summary: verb === 'ban' ? 'Ban a customer with all of their licenses' : 'Take the ban of a customer back', input: noInput, answers: answersOne(customer), refuses: ['CONFLICT'] }, async ({ scope, id, now }) =>
        one(await banCustomer(database, { scope, id }, { banned: verb === 'ban' }, now), viewCustomer),
      ),
    ),
  ];
}

/** Who set the email is for judging one that comes from Stripe, and no field of the contract. */
function viewCustomer({ emailSetByVendor: _emailSetByVendor, ...customer }: CustomerDetails): object {
  return withoutScope(customer);
}
