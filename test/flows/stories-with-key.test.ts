import { inOrder, shuffled, testStories } from '../support/stories/test-stories.ts';

testStories({ shape: 'endive', withKey: true, orders: [inOrder, shuffled] });
