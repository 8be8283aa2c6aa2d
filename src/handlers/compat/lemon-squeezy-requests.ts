import { z } from 'zod';

/** What the License API is sent. A form cannot leave a field out but by sending it empty, and so does many a client: empty is not sent. */

const text = (name: string) => {
  const words = name.replaceAll('_', ' ');
  const required = `The ${words} field is required.`;
  return {
    required: z.string({ error: ({ input }) => (input === undefined || input === null ? required : `The ${words} field must be a string.`) }).trim().min(1, required).max(255, `The ${words} field must not be greater than 255 characters.`),
    optional: z.string(`The ${words} field must be a string.`).trim().nullish().transform((sent) => sent || null),
  };
};

const license_key = text('license_key').required;

export const activateRequest = z.object({ license_key, instance_name: text('instance_name').required });
export const validateRequest = z.object({ license_key, instance_id: text('instance_id').optional });
export const deactivateRequest = z.object({ license_key, instance_id: text('instance_id').required });
