import { z } from 'zod';
import type { Database } from '../../database/orm.ts';
import { createProduct, productRequest } from '../../licensing/create-product.ts';
import { deleteProduct } from '../../licensing/delete-product.ts';
import { type CountedProduct, listProducts, readProduct } from '../../licensing/read-products.ts';
import { productChange, updateProduct } from '../../licensing/update-product.ts';
import { answersMany, answersNothing, answersOne, done, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown, timestamps, withoutScope } from './view.ts';

const product = z.strictObject({
  id: shown.id, name: z.string(), code: z.string(), description: shown.text, keyPrefix: z.string(), metadata: shown.metadata,
  licensesCount: shown.count, ...timestamps,
}).meta({ id: 'Product' });

export function productRoutes({ database }: { database: Database }): Route[] {
  const path = '/api/v1/products';
  return [
    managementRoute({ method: 'post', path, permission: 'products:write', summary: 'Create a product', input: productRequest, answers: answersOne(product, 201), refuses: ['CONFLICT'] }, async ({ scope, input, now }) => {
      const created = await createProduct(database, scope, input, now);
      return one(created, (product) => viewProduct({ ...product, licensesCount: 0 }));
    }),
    managementRoute({ method: 'get', path, permission: 'products:read', summary: 'List products', input: pageQuery, answers: answersMany(product) }, async ({ scope, input }) =>
      many(await listProducts(database, scope, input), viewProduct),
    ),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'products:read', summary: 'Read a product', input: noInput, answers: answersOne(product) }, async ({ scope, id }) =>
      one(await readProduct(database, scope, id), viewProduct),
    ),
    managementRoute({ method: 'patch', path: `${path}/:id`, permission: 'products:write', summary: 'Change a product', input: productChange, answers: answersOne(product), refuses: ['CONFLICT'] }, async ({ scope, id, input, now }) =>
      one(await updateProduct(database, { scope, id }, input, now), viewProduct),
    ),
    managementRoute({ method: 'delete', path: `${path}/:id`, permission: 'products:write', summary: 'Delete a product that nothing uses', input: noInput, answers: answersNothing, refuses: ['CONFLICT'] }, async ({ scope, id, now }) =>
      done(await deleteProduct(database, { scope, id }, now)),
    ),
  ];
}

function viewProduct(product: CountedProduct): object {
  return withoutScope(product);
}
