import { describe, expect, it } from 'vitest';
import { matchRoute, orderRoutes, parseRoute } from '../../../../local/host/http/routes.js';

const match = (template: string, path: string): Record<string, string> | undefined =>
  matchRoute([parseRoute(template, ['GET'], 'x')], 'GET', path)?.params;

describe('route templates', () => {
  it.each([
    ['api/jobs', '/API/Jobs', {}],
    ['api/jobs', '/api/jobs/', {}],
    ['api/jobs', '/api/jobs/1', undefined],
    ['api/{id}', '/api/a%2Fb', { id: 'a/b' }],
    ['api/{id}', '/api', undefined],
    ['api/{id?}', '/api', {}],
    ['api/{page=1}', '/api', { page: '1' }],
    ['api/{page=1}', '/api/7', { page: '7' }],
    ['api/{*rest}', '/api', {}],
    ['api/{*rest}', '/api/a/b', { rest: 'a/b' }],
    ['api/{**rest}', '/api/a/b', { rest: 'a/b' }],
    ['api/v{major}.{minor}', '/api/v1.20', { major: '1', minor: '20' }],
    ['api/{name}.json', '/api/x.json', { name: 'x' }],
    ['api/{id:int}', '/api/-5', { id: '-5' }],
    ['api/{id:int}', '/api/5x', undefined],
    ['api/{id:int:range(1,5)}', '/api/6', undefined],
    [
      'api/{id:guid}',
      '/api/123e4567-e89b-12d3-a456-426614174000',
      { id: '123e4567-e89b-12d3-a456-426614174000' },
    ],
    ['api/{id:length(2,3)}', '/api/abcd', undefined],
    ['api/{id:minlength(2)?}', '/api', {}],
    ['api/{id:regex(^\\d{{2}}$)}', '/api/42', { id: '42' }],
    ['api/{id:regex(^\\d{{2}}$)}', '/api/421', undefined],
    ['api/{word:alpha}', '/api/abc', { word: 'abc' }],
    ['api/{on:bool}', '/api/True', { on: 'True' }],
    ['api/a+b', '/api/a+b', {}],
  ])('%s and %s give %j', (template, path, expected) => {
    expect(match(template, path)).toEqual(expected);
  });

  it('puts the more specific first, segment by segment', () => {
    const templates = ['{*all}', 'jobs/{id}', '{kind}/list', 'jobs/{id:int}', 'jobs/x{n}', 'jobs/list'];
    const ordered = orderRoutes(templates.map((template) => parseRoute(template, ['GET'], template)));
    expect(ordered.map(({ target }) => target)).toEqual([
      'jobs/list',
      'jobs/x{n}',
      'jobs/{id:int}',
      'jobs/{id}',
      '{kind}/list',
      '{*all}',
    ]);
  });

  it.each([
    ['a/{id', 'braces'],
    ['a/{id:number}', 'the constraint "number" is not known'],
    ['a/{id}/{ID}', '"id" appears twice'],
    ['a/{}', '"{}" is no parameter'],
  ])('refuses %s', (template, message) => {
    expect(() => parseRoute(template, ['GET'], 'x')).toThrow(message);
  });
});
