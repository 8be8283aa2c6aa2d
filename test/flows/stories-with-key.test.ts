import { inOrder, shuffled, testStories } from '../support/stories/test-stories.ts';

/** What each comes to is written down and compared with, so that one order is enough; `ALL_STORIES=1` tells both. */
const orders = process.env['ALL_STORIES'] === '1' ? [inOrder, shuffled] : [shuffled];

testStories({ shape: 'endive', withKey: true, orders });
