import { shuffled, testStories } from '../support/stories/test-stories.ts';

testStories({ shape: '2020-08-27', withKey: false, orders: [shuffled] });
