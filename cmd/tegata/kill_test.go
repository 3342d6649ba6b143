package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/sandbox"
)

// The kill matrix. A neighbourhood in a process of its own, with every role that
// `tegata up` runs, dies by SIGKILL before and after each write that a dry run
// finds: every file and every transaction of every party. It is started again,
// the person goes on with the same command, and then (rest_test.go) exactly one
// pair is good, whatever was signed is recorded, no try was gained, every audit
// chain is whole and there is one application.
//
// It claims the death of the process. The sudden loss of power is another thing.

// The resident has an older phone that is registered and a new one to register,
// and has mistyped the card's password twice: so that a try that is gained
// would be seen.
const (
	oldPhone, newPhone = resident + "-old", resident + "-phone"
	cardTriesBefore    = 3 // of 5
	keysBefore         = 2 // of the pool: the older phone's
)

// killers is how many cases run at once: the tests have two cores.
const killers = 2

// killer runs one case after the other in a copy of its own prepared sandbox.
type killer struct {
	town
	t     *testing.T
	work  string     // the copy
	pg    *databases // nil: SQLite
	phone phoneView  // the older phone, as prepared
	told  bool       // the person was told the lock code: the end of it, for them
}

// newKiller prepares a sandbox on free ports at or above base.
func newKiller(t *testing.T, base int, pg bool) *killer {
	t.Helper()
	k := &killer{t: t, work: filepath.Join(t.TempDir(), "work")}
	k.town = town{dir: filepath.Join(t.TempDir(), "prepared"), listen: freePorts(t, base), keys: poolKeys(t),
		own: sandbox.PhoneSecrets{PhoneAuthPIN: "7294", PhoneSignaturePassword: "TEGATA2026"}}
	if pg {
		k.pg = newDatabases(t)
	}
	k.make(t, k.pg.prepared(), func(ctx context.Context, _ *neighbourhood) error {
		if _, err := k.tegata(ctx, k.dir, "", "phone", "new", oldPhone, "-resident", resident); err != nil {
			return err
		}
		if _, err := k.enrol(ctx, k.dir, oldPhone, k.theirs()); err != nil {
			return err
		}
		for range 5 - cardTriesBefore {
			if err := k.wrong(ctx, k.dir); err != nil {
				return err
			}
		}
		tries, err := k.cardTries(ctx, k.dir)
		if err != nil || tries.Sign != cardTriesBefore {
			return fmt.Errorf("the card has %d tries left, %v; want %d", tries.Sign, err, cardTriesBefore)
		}
		k.phone, err = k.show(ctx, k.dir, oldPhone)
		return err
	})
	return k
}

// wrong mistypes the card's password while registering the new phone.
func (k *killer) wrong(ctx context.Context, dir string) error {
	secrets := k.theirs()
	secrets["card_signature_password"] = "MISTYPED"
	_, err := k.enrol(ctx, dir, newPhone, secrets)
	return refused(err)
}

// refused is nil when err is the refusal that was to be expected.
func refused(err error) error {
	if exit, ok := errors.AsType[*exitError](err); ok && exit.code == exitRefused {
		return nil
	}
	return fmt.Errorf("not refused: %w", err)
}

// renew puts the prepared state in place.
func (k *killer) renew(ctx context.Context) error {
	if err := os.RemoveAll(k.work); err != nil {
		return err
	}
	if err := copyDir(k.dir, k.work); err != nil {
		return err
	}
	return k.pg.renew(ctx)
}

// order runs the copy. Keys are taken from where no process before has been.
func (k *killer) order(dieAt moment, firstKey int) order {
	return order{Dir: k.work, Keys: k.keys, FirstKey: firstKey, DieAt: dieAt, Database: k.pg.working()}
}

// act is what a person does while the process dies.
type act struct {
	name string
	// ready leads to the point from which writes are counted; nil: at once.
	ready func(context.Context, *killer) (state string, err error)
	do    func(ctx context.Context, k *killer, state string) error
}

// run does one act in a fresh copy. It returns the moments up to the death, or
// all of them when nothing kills.
func (k *killer) run(ctx context.Context, a act, dieAt moment) (seen []moment, died bool, err error) {
	if err := k.renew(ctx); err != nil {
		return nil, false, err
	}
	p, err := start(ctx, k.order(dieAt, keysBefore))
	if err != nil {
		return nil, false, err
	}
	defer p.kill(0)
	state := ""
	if a.ready != nil {
		if state, err = a.ready(ctx, k); err != nil {
			return nil, false, err
		}
	}
	if err := p.arm(); err != nil {
		return nil, false, err
	}
	did := a.do(ctx, k, state)
	patience := time.Duration(0)
	switch { // a death may still be on its way; what is written behind an answer, too
	case did != nil:
		patience = 5 * time.Second
	case dieAt != moment{}:
		patience = 300 * time.Millisecond
	}
	p.kill(patience)
	died = slices.Contains(p.moments, dieAt)
	if did != nil && !died {
		return nil, false, fmt.Errorf("%s, without a death: %w", a.name, did)
	}
	return p.moments, died, nil
}

// again starts the copy after a death.
func (k *killer) again(ctx context.Context) (*process, error) {
	return start(ctx, k.order(moment{}, keysBefore+3))
}

// matrix is a kind of case over all the moments of an act.
type matrix struct {
	act
	check func(ctx context.Context, k *killer, seen []moment) error
}

// outcome is what came of a matrix.
type outcome struct {
	moments []moment
	tried   int
	killed  int
	failed  int
	missed  []moment // did not come in that run
}

// writes is how many writes begin in an act: the n of the matrix.
func (o outcome) writes() (n int) {
	for _, m := range o.moments {
		if strings.HasPrefix(m.Name, "before write ") || strings.HasPrefix(m.Name, "before commit ") {
			n++
		}
	}
	return n
}

// moments is a dry run, and a second one: what came only once was of something
// else, such as the verifier's looking for news. A file's write has a moment
// within, too, when it is whole and not yet in place: `make soak` takes it.
func (k *killer) moments(ctx context.Context, a act) ([]moment, error) {
	var runs [2][]moment
	for i := range runs {
		seen, died, err := k.run(ctx, a, moment{})
		if err == nil && died {
			err = errors.New("it died without being killed")
		}
		if err != nil {
			return nil, fmt.Errorf("dry run of %s: %w", a.name, err)
		}
		runs[i] = seen
	}
	return slices.DeleteFunc(runs[0], func(m moment) bool {
		within := strings.HasPrefix(m.Name, "before rename ")
		return within && !soaking() || !slices.Contains(runs[1], m)
	}), nil
}

// every runs each stride-th moment of the act, beginning with the first.
func (m matrix) every(t *testing.T, all []*killer, stride int) (o outcome) {
	t.Helper()
	var err error
	if o.moments, err = all[0].moments(t.Context(), m.act); err != nil {
		t.Fatal(err)
	}
	cases := make(chan moment, len(o.moments))
	for i := 0; i < len(o.moments); i += stride {
		cases <- o.moments[i]
	}
	close(cases)
	var mu sync.Mutex // guards o
	var group sync.WaitGroup
	for _, k := range all {
		group.Go(func() {
			for at := range cases {
				seen, died, err := k.run(t.Context(), m.act, at)
				mu.Lock()
				o.tried++
				if died {
					o.killed++
				} else {
					o.missed = append(o.missed, at)
				}
				mu.Unlock()
				if err == nil {
					err = m.check(t.Context(), k, seen)
				}
				if err != nil {
					t.Errorf("%s, killed at %v: %v", m.name, at, err)
					mu.Lock()
					o.failed++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return o
}

// registration is the whole registration by the command.
var registration = matrix{
	act: act{name: "a registration", do: func(ctx context.Context, k *killer, _ string) error {
		var err error
		k.told, err = k.enrol(ctx, k.work, newPhone, k.theirs())
		return err
	}},
	check: func(ctx context.Context, k *killer, seen []moment) error { return k.checkRegistration(ctx, seen) },
}

// mistyped are wrong secrets: the card's password at a registration, the phone's
// password at a signature, the phone's PIN at a login.
var mistyped = []matrix{
	{act{name: "a wrong password of the card", do: func(ctx context.Context, k *killer, _ string) error {
		return k.wrong(ctx, k.work)
	}}, triesCheck(resident+".card", cardTriesBefore, (*killer).cardLeft)},

	{act{name: "a wrong password of the phone", do: func(ctx context.Context, k *killer, _ string) error {
		file := filepath.Join(k.work, "letter")
		if err := os.WriteFile(file, []byte("a letter"), 0o600); err != nil {
			return err
		}
		_, err := k.tegata(ctx, k.work, marshal(map[string]string{"phone_signature_password": "MISTYPED"}),
			"phone", "sign", oldPhone, "-in", file, "-out", file+".p7s")
		return refused(err)
	}}, triesCheck("element.sealed", 5, (*killer).passwordLeft)},

	{act{name: "a wrong PIN of the phone", ready: func(ctx context.Context, k *killer) (string, error) {
		link, _, err := newBrowser().beginLogin(ctx, settings{Listen: k.listen}.page("portal"), false)
		return link, err
	}, do: func(ctx context.Context, k *killer, link string) error {
		_, err := k.tegata(ctx, k.work, marshal(map[string]string{"phone_auth_pin": "4928"}), "phone", "approve", oldPhone, "-request", link)
		return refused(err)
	}}, triesCheck("element.sealed", 3, (*killer).pinLeft)},
}

// soaking says whether `make soak` runs this, with more time.
func soaking() bool { return os.Getenv("TEGATA_SOAK") != "" }

func TestKilledAtEveryWrite(t *testing.T) {
	killMatrix(t, 21400, false, 1)
}

func TestKilledAtEveryWriteOnPostgreSQL(t *testing.T) {
	if os.Getenv("PGTEST") == "" {
		t.Skip("SKIPPED: PGTEST names no PostgreSQL server; `make test` starts one")
	}
	killMatrix(t, 21500, true, 5)
}

// killMatrix takes each stride-th moment; all of them when soaking.
func killMatrix(t *testing.T, base int, pg bool, stride int) {
	if soaking() {
		stride = 1
	}
	begin := time.Now()
	var all []*killer
	for i := range killers {
		all = append(all, newKiller(t, base+20*i, pg))
	}
	on := "SQLite"
	if pg {
		on = "PostgreSQL"
	}
	acts := []matrix{registration}
	if !pg || soaking() { // tries are in files: the same with every database
		acts = append(acts, mistyped...)
	}
	for _, m := range acts {
		o := m.every(t, all, stride)
		tell(t, "kill matrix on %s: %s has n = %d writes and %d moments around them; killed at %d, whole again after %d",
			on, m.name, o.writes(), len(o.moments), o.killed, o.tried-o.failed)
		if len(o.missed) > 0 {
			tell(t, "  %d of %d cases ran to their end, because their moment did not come: %v", len(o.missed), o.tried, o.missed)
		}
		if len(o.missed) > 2+o.tried/20 {
			t.Errorf("%s: %d of %d cases were not killed", m.name, len(o.missed), o.tried)
		}
	}
	tell(t, "kill matrix on %s: %.0f s", on, time.Since(begin).Seconds())
}

// tell prints a line of the report, and adds it to the file that `make test`
// shows at its end: go test is silent about what passes.
func tell(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	t.Log(line)
	path := os.Getenv("TEGATA_REPORT")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, line); err != nil {
		t.Fatal(err)
	}
}

// copyDir copies a closed sandbox with its modes: keys that others may read are
// refused.
func copyDir(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if entry.IsDir() {
			return os.MkdirAll(target, info.Mode().Perm())
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, info.Mode().Perm())
	})
}
