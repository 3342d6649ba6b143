package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"tegata/internal/secret"
	"tegata/internal/ui"
)

const defaultListen = "127.0.0.1:8400"

// up runs the whole neighbourhood, making it the first time.
func up(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	dir := dataFlag(c, flags)
	listen := flags.String("listen", defaultListen, "HOST:PORT of the start page; fixed when the sandbox is made")
	verbose := flags.Bool("v", false, "log every request on stderr")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	s, err := openOrCreate(*dir, *listen, given(flags, "listen"))
	if err != nil {
		return err
	}
	if err := hideMemory(); err != nil { // people will type secrets
		return err
	}
	n, err := standardBuild(c, *verbose).openNeighbourhood(ctx, *dir, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s/\n", s.page("street"))
	c.say("Open %s/ in a browser. Press Ctrl-C to stop.", s.page("street"))
	if !s.Made {
		c.say("Making the sandbox in %s; the start page shows how far it is:", *dir)
		n.progress.told = func(t ui.Text) { c.say("  %s / %s…", t.JA, t.EN) }
	}
	return n.run(ctx, func() { fmt.Fprintln(c.out, "ready") })
}

// initState makes a sandbox, or with -config what production roles need, and stops.
func initState(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	dir := dataFlag(c, flags)
	listen := flags.String("listen", defaultListen, "HOST:PORT of the start page, fixed from now on")
	config := flags.String("config", "", "make state for production roles, as this configuration says")
	roles, err := parseRoles(flags, args)
	switch {
	case err != nil:
		return err
	case *config != "" && (given(flags, "data") || given(flags, "listen")):
		return usagef("-config makes production's state and -data a sandbox's; give one of them")
	case *config != "":
		return initProduction(ctx, c, *config, roles)
	case len(roles) > 0:
		return usagef("%q: roles are named for production only, with -config FILE", roles[0])
	}
	s, err := createSettings(*dir, *listen)
	if err != nil {
		return err
	}
	n, err := standardBuild(c, false).openNeighbourhood(ctx, *dir, s)
	if err != nil {
		return err
	}
	n.progress.told = func(t ui.Text) { c.say("  %s / %s…", t.JA, t.EN) }
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	made := false
	err = n.run(ctx, func() { made = true; stop() })
	if made {
		c.say("The sandbox is in %s. Start it with `tegata up -data %s`.", *dir, *dir)
		return nil
	}
	return err
}

// openOrCreate reads the sandbox's settings, or makes new ones in an empty place.
// Names and ports are inside certificates, so another -listen is refused.
func openOrCreate(dir, listen string, listenGiven bool) (settings, error) {
	s, err := openSettings(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := mustBeEmpty(dir); err != nil {
			return settings{}, err
		}
		return createSettings(dir, listen)
	}
	if err != nil {
		return settings{}, err
	}
	if listenGiven && listen != s.Listen {
		return settings{}, usagef("this sandbox was made for %s, and its certificates name that; -listen %s needs a new one (`tegata init -data DIR -listen %s`)",
			s.Listen, listen, listen)
	}
	return s, nil
}

// mustBeEmpty refuses to make a sandbox among somebody's files.
func mustBeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usagef("%s is not a directory that can be read: %v", dir, err)
	}
	if len(entries) > 0 {
		return usagef("%s holds something that is no sandbox (%s); name an empty or new directory with -data", dir, filepath.Join(dir, entries[0].Name()))
	}
	return nil
}

// standardBuild is how people run it; tests build with hooks.
func standardBuild(c console, verbose bool) build {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelInfo
	}
	return build{log: slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: level})), cost: secret.StandardCost()}
}

// given says whether a flag was set on the command line.
func given(flags *flag.FlagSet, name string) (set bool) {
	flags.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}
