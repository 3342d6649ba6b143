package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"tegata/internal/problem"
)

// console is what a command may read and write.
type console struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

// say writes a line for people.
func (c console) say(format string, args ...any) { fmt.Fprintf(c.err, format+"\n", args...) }

// Exit codes, documented in docs/commands.md.
const (
	exitDone        = 0
	exitRefused     = 1
	exitUndecided   = 2
	exitUsage       = 64 // EX_USAGE of sysexits.h, as the next two
	exitUnreachable = 69
	exitOurFault    = 70
)

// command is one `tegata noun verb`.
type command struct {
	name    string // "card list"
	args    string // what follows, for the usage line
	summary string
	run     func(ctx context.Context, c console, flags *flag.FlagSet, args []string) error
}

// usageError says what is wrong with the call.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// run finds the command, runs it, and turns its error into a line or two and an
// exit code.
func run(ctx context.Context, args []string, c console) int {
	name, rest := splitName(args)
	if name == "" || name == "help" || name == "-h" || name == "--help" {
		usage(c)
		if name == "" {
			return exitUsage
		}
		return exitDone
	}
	for _, cmd := range commands() {
		if cmd.name != name {
			continue
		}
		flags := flag.NewFlagSet("tegata "+cmd.name, flag.ContinueOnError)
		flags.SetOutput(c.err)
		flags.Usage = func() {
			c.say("usage: tegata %s %s", cmd.name, cmd.args)
			flags.PrintDefaults()
		}
		err := cmd.run(ctx, c, flags, rest)
		if errors.Is(err, flag.ErrHelp) {
			return exitDone
		}
		return report(c, err)
	}
	return report(c, usagef("there is no command %q; `tegata help` lists them", name))
}

// splitName takes one or two leading words that are a command's name.
func splitName(args []string) (string, []string) {
	for n := min(2, len(args)); n > 0; n-- {
		name := strings.Join(args[:n], " ")
		for _, cmd := range commands() {
			if cmd.name == name {
				return name, args[n:]
			}
		}
	}
	if len(args) == 0 {
		return "", nil
	}
	return strings.Join(args[:min(2, len(args))], " "), nil
}

func usage(c console) {
	c.say("Tegata puts the two certificates of an ID card into a phone. Commands:")
	longest := 0
	for _, cmd := range commands() {
		longest = max(longest, len(cmd.name))
	}
	for _, cmd := range commands() {
		c.say("  tegata %-*s  %s", longest, cmd.name, cmd.summary)
	}
	c.say("\nStart with `tegata up`. Each command explains itself with -h.")
}

// report prints what happened and what to do, and picks the exit code.
func report(c console, err error) int {
	if err == nil {
		return exitDone
	}
	if wrong, ok := errors.AsType[*usageError](err); ok {
		c.say("tegata: %s", wrong.message)
		return exitUsage
	}
	if errors.Is(err, context.Canceled) {
		return exitDone // the person pressed ^C
	}
	p, ours := errors.AsType[*problem.Problem](err)
	if !ours {
		c.say("tegata: %v", err)
		if errors.Is(err, fs.ErrNotExist) {
			return exitUsage
		}
		return exitOurFault
	}
	c.say("%s / %s (%s)", p.JA.Title, p.EN.Title, p.Code)
	left := triesLeft(p)
	c.say("%s%s / %s%s", p.JA.Detail, left.JA, p.EN.Detail, left.EN)
	switch {
	case p.Code == "unreachable":
		return exitUnreachable
	case p.Kind == problem.CouldNotCheck:
		return exitUndecided
	case p.Kind == problem.OurFault:
		return exitOurFault
	}
	return exitRefused
}

// triesLeft says how often the secret in question may still be typed.
func triesLeft(p *problem.Problem) (text struct{ JA, EN string }) {
	var n int
	switch v := p.Extra["tries_left"].(type) {
	case int:
		n = v
	case float64: // from another party's JSON
		n = int(v)
	default:
		return text
	}
	text.JA, text.EN = fmt.Sprintf("あと%d回入力できます。", n), fmt.Sprintf(" %d tries are left.", n)
	switch n {
	case 0:
		text.JA, text.EN = "もう入力できません。", " No tries are left."
	case 1:
		text.EN = " 1 try is left."
	}
	return text
}

// parse reads flags that may stand before, between or after the words, and
// returns the words. It demands exactly as many words as names are given.
func parse(flags *flag.FlagSet, args []string, names ...string) ([]string, error) {
	words, err := wordsOf(flags, args)
	if err != nil {
		return nil, err
	}
	if len(words) < len(names) {
		return nil, usagef("%s is missing; see -h", names[len(words)])
	}
	if len(words) > len(names) {
		return nil, usagef("%q is one word too many; see -h", words[len(names)])
	}
	return words, nil
}

// wordsOf reads flags that may stand before, between or after any number of words.
func wordsOf(flags *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usagef("%v", err)
		}
		if flags.NArg() == 0 {
			return words, nil
		}
		words, args = append(words, flags.Arg(0)), flags.Args()[1:]
	}
}
