/** The parts a process can play: both sides at once, one of them, or the migrations alone. */
export const roles = ['all', 'web', 'worker', 'migrate'] as const;

export type Role = (typeof roles)[number];
