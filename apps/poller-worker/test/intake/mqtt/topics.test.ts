import { describe, expect, it } from 'vitest';
import { createTopicReader, sharedFilter, takesTopic, withoutCovered } from '../../../src/intake/mqtt/topics.ts';

describe('a subscription', () => {
  it.each([
    ['a/+/c', 'a/b/c', true],
    ['a/+/c', 'a/b/d', false],
    ['a/+', 'a/b/c', false],
    ['a/#', 'a/b/c', true],
    ['a/#', 'a', true],
    ['#', 'a/b', true],
    ['#', '$SYS/broker', false],
    ['+/b', '$SYS/b', false],
    ['a/+', 'a/#', false],
    ['a/#', 'a/+/c', true],
  ])('%s takes %s: %s', (filter, topic, expected) => {
    expect(takesTopic(filter, topic)).toBe(expected);
  });

  it('that another one covers is left out', () => {
    expect(withoutCovered(['a/#', 'a/+/c', 'b/c', 'b/c', 'b/+'])).toEqual(['a/#', 'b/+']);
    expect(sharedFilter('sm-x', 'a/#')).toBe('$share/sm-x/a/#');
  });
});

describe('a topic', () => {
  const filters = ['weather/+/temperature', 'wildfire/weather/+', 'sensors/#', 'other/#'];
  const layouts = ['plant/{type}/{device}/out', 'hall/+/{device}'];
  it.each([
    ['weather/st-1/temperature', 'st-1', 'temperature'],
    ['wildfire/weather/st-1', 'st-1', 'weather'],
    ['sensors/soil/st-1/moisture', 'st-1', 'moisture'],
    ['other/st-1/rain', 'st-1', 'rain'],
    ['plant/kiln/st-1/out', 'st-1', 'kiln'],
    ['hall/3/st-1', 'st-1', '3'],
    ['alone', 'alone', 'alone'],
  ])('%s is of device %s and type %s', (topic, deviceId, sensorType) => {
    expect(createTopicReader({ layouts, filters })(topic)).toEqual({ deviceId, sensorType });
  });
});
