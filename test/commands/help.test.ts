import { describe, expect, test } from 'vitest';

import { makeBachiProgram } from '#commands/bachi-options.ts';
import { makeCupsProgram } from '#commands/cups-options.ts';
import { makeKaedamaProgram } from '#commands/kaedama/kaedama-options.ts';
import { makeRamenyaProgram } from '#commands/ramenya/ramenya-program.ts';
import { makeSlurpProgram } from '#commands/slurp/slurp-program.ts';

import type { Command } from 'commander';

function commandsOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(commandsOf)];
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

const context = { argv: [], signal: AbortSignal.abort(), onEnd: () => undefined, onStop: () => undefined };
const programs = [
  makeKaedamaProgram(),
  makeSlurpProgram(context),
  makeRamenyaProgram(context, () => undefined),
  makeCupsProgram(() => undefined),
  makeBachiProgram(() => undefined),
];

describe.each(programs.flatMap(commandsOf).map((command) => [nameOf(command), command] as const))(
  '%s',
  (name, command) => {
    const help = helpOf(command);
    test('prints its help in 80 columns and without colour', () => {
      expect(help.split('\n').filter((line) => line.length > 80)).toEqual([]);
      expect(help).not.toContain('\u001B');
    });

    test('prints its help in the form of all commands', () => {
      expect(help).toMatch(new RegExp(`^Usage: ${name}(?:\\|\\w+)? \\[(?:options|command)\\]`, 'u'));
      expect(help).toMatch(/^ {2}-h, --help +print this help$/mu);
      expect(help).toMatch(/^ {2}-V, --version +print the version$/mu);
      expect(command.description()).not.toBe('');
    });

    test('explains every option that it shows, and every one has a long form', () => {
      const shown = command.options.filter(({ hidden }) => !hidden);
      expect(shown.filter(({ description, argChoices }) => description === '' && argChoices === undefined)).toEqual([]);
      expect(command.options.filter(({ long }) => long === undefined)).toEqual([]);
    });
  },
);
