package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"tegata/internal/secret"
)

// benchLimit is the longest that the whole bench may take.
const benchLimit = 90 * time.Second

// A benchmark measures one kind of work beside its limit, in the same run.
type benchmark struct {
	name  string
	about string
	run   func(context.Context, *bench) ([]figure, error)
}

func benchmarks() []benchmark {
	return []benchmark{
		{"issuance", "certificates prepared, linted, recorded and signed, to bare signing by the same key", benchIssuance},
		{"ledger", "opening the ledger, to reading its rows; memory and disk a certificate", benchLedger},
		{"ocsp", "status answers over HTTP, to a bare handler that returns the same bytes", benchOCSP},
		{"registration", "the issuer's side of a whole registration, to its own signatures and verifications", benchRegistration},
		{"login", "the verifier's side of a login, to its own public-key operations", benchLogin},
		{"logins", "logins over OpenID Connect from request to ID Token, phone and all, to their RSA verifications and bare HTTP exchanges", benchLogins},
		{"documents", "verdicts on CAdES signatures, to two RSA verifications and a hash", benchDocuments},
		{"suspension", "how long after a report of loss the phone is refused everywhere, to one question", benchSuspension},
		{"card", "a dump of the card over vpcd, to as many commands to a card that only echoes", benchCard},
	}
}

// bench is one run of `tegata bench`.
type bench struct {
	build build
	c     console
	dir   string // temporary; whatever is measured as durable rests here
	quick bool
	long  bool

	commits commitCount

	office *benchOffice // made by the first benchmark that needs it
	street *benchStreet
}

// effort is how much is measured, at most. Everything is bounded in count or time.
type effort struct {
	rounds   int           // of ours and the limit in turn; the median counts
	round    time.Duration // each
	journeys int           // whole registrations, logins, dumps, at most
}

// journeyTime is how long journeys of one kind go on at most.
const journeyTime = 8 * time.Second

func (b *bench) effort() effort {
	if b.quick {
		return effort{rounds: 1, round: 20 * time.Millisecond, journeys: 1}
	}
	return effort{rounds: 5, round: 300 * time.Millisecond, journeys: 30}
}

// benchCommand prints this machine's figures beside their limits.
func benchCommand(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	quick := flags.Bool("quick", false, "only a few seconds: shows that it works, and no figure to rely on")
	long := flags.Bool("long", false, "minutes: as many suspensions as a 99th percentile needs")
	asJSON := flags.Bool("json", false, "for scripts")
	where := flags.String("tmp", os.TempDir(), "directory for the databases measured: a commit is as fast as its disk")
	profile := flags.String("cpuprofile", "", "write a CPU profile for `go tool pprof` to this file")
	peer := flags.String("peer", "", "used by bench itself: measure the responder that rests in this directory")
	flags.Usage = func() {
		c.say("usage: tegata bench [-quick] [-json] [NAME…]\n\nThe names; all of them when none is given:")
		for _, m := range benchmarks() {
			c.say("  %-14s %s", m.name, m.about)
		}
		flags.PrintDefaults()
	}
	chosen, err := chooseBenchmarks(flags, args)
	if err != nil {
		return err
	}
	if *peer != "" {
		return measurePeer(ctx, c, *peer)
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return usagef("%v", err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	dir, err := os.MkdirTemp(*where, "tegata-bench-")
	if err != nil {
		return usagef("%v", err)
	}
	defer os.RemoveAll(dir)
	log := slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	b := &bench{c: c, dir: dir, quick: *quick, long: *long}
	b.build = build{log: log, cost: secret.StandardCost(), making: true, commit: b.commits.note}
	report, err := b.measure(ctx, chosen)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c, report)
	}
	return report.print(c)
}

// chooseBenchmarks reads flags and names. The order stays that of benchmarks.
func chooseBenchmarks(flags *flag.FlagSet, args []string) ([]benchmark, error) {
	var names []string
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usagef("%v", err)
		}
		if args = flags.Args(); len(args) > 0 { // flags may follow a name
			names, args = append(names, args[0]), args[1:]
		}
	}
	all := benchmarks()
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, m := range all {
		known = append(known, m.name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, usagef("there is no benchmark %q; there are %s", n, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(all, func(m benchmark) bool { return !slices.Contains(names, m.name) }), nil
}

// measure runs the chosen benchmarks, one after the other.
func (b *bench) measure(ctx context.Context, chosen []benchmark) (report benchReport, err error) {
	limit := benchLimit
	if b.long {
		limit += longTime
	}
	ctx, stop := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the bench took longer than %s; name fewer benchmarks, or use -quick", limit))
	defer stop()
	defer func() { err = errors.Join(err, b.close()) }()
	report = benchReport{Machine: describeMachine(b.dir), Date: time.Now().UTC().Format(time.RFC3339), Quick: b.quick, Figures: []figure{}}
	for _, m := range chosen {
		began := time.Now()
		fmt.Fprintf(b.c.err, "%s…", m.name)
		figures, err := m.run(ctx, b)
		if err != nil {
			b.c.say("")
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return report, fmt.Errorf("bench %s: %w", m.name, err)
		}
		b.c.say(" %.1f s", time.Since(began).Seconds())
		for i := range figures {
			figures[i].Benchmark = m.name
		}
		report.Figures = append(report.Figures, figures...)
	}
	return report, nil
}

// folder is a place of its own below the run's directory.
func (b *bench) folder(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}

func (b *bench) close() error {
	var errs []error
	if b.street != nil {
		errs = append(errs, b.street.close())
	}
	if b.office != nil {
		errs = append(errs, b.office.Close())
	}
	return errors.Join(errs...)
}
