package phone_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/holder/reader"
	"tegata/internal/durable"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/issuer/status"
	"tegata/store"
	phonestore "tegata/store/phone"
	"tegata/store/storetest"
)

// childEnv names what a child process is told: it is the phone role alone, and
// registers the phone, and dies at a moment.
const childEnv = "TEGATA_TEST_PHONE"

type childOrder struct {
	Dir, DSN, Issuer string
	Now              time.Time
	Phone            string
	DieAt            int    // the moment to die at, from 1; 0: live
	Do               string // "": register; "force-stop", "deliver", "answer"
	Ask              string // that is answered
	Shown            string
	Seen             []string // of its documents
}

func TestMain(m *testing.M) {
	if order := os.Getenv(childEnv); order != "" {
		child(order)
		return
	}
	os.Exit(m.Run())
}

// child prints the reader's address, registers, and prints how many moments it
// saw.
func child(text string) {
	var o childOrder
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	fail(json.Unmarshal([]byte(text), &o))
	ctx := context.Background()
	seen := 0
	moment := func(durable.Moment) {
		if seen++; seen == o.DieAt {
			os.Exit(137) // no deferred call, no flush: as kill -9
		}
	}
	db, err := store.Open(ctx, o.DSN, store.WithHook(moment))
	fail(err)
	sealer, err := secret.OpenSealer(filepath.Join(o.Dir, "key"), secret.Sandbox)
	fail(err)
	client := httpd.Client(10 * time.Second)
	phones := phone.New(phone.Config{
		Store: phonestore.New(db), Dir: filepath.Join(o.Dir, "phones"), Files: durable.Files{Hook: moment}, Sealer: sealer,
		Now: func() time.Time { return o.Now }, Arc: pki.SandboxArc(), Cost: secret.TestCost(),
		Issuer: o.Issuer, Client: client, Models: phone.SandboxModels(), TapWait: 10 * time.Second,
	})
	p, err := phones.Find(ctx, o.Phone)
	fail(err)
	look, err := p.Look(ctx)
	fail(err)
	fmt.Println(look.Reader)
	seen = 0
	switch o.Do {
	case "force-stop":
		fail(p.ForceStop(ctx))
		fmt.Println(seen)
		return
	case "answer":
		own, err := secret.ParsePassword(phonePassword)
		fail(err)
		_, err = p.Answer(ctx, o.Ask, phone.Reply{Shown: o.Shown, Approve: true, Seen: o.Seen, Unlock: element.Unlock{Password: own}})
		fail(err)
		fmt.Println(seen)
		return
	case "deliver":
		fail(p.Deliver(ctx))
		fmt.Println(seen)
		return
	}
	pin, err := secret.ParsePIN(phonePIN)
	fail(err)
	own, err := secret.ParsePassword(phonePassword)
	fail(err)
	card, err := secret.ParsePassword(cardPassword)
	fail(err)
	if look.Stage != phone.StageRegistered {
		_, err = p.Enrol(ctx, phone.Secrets{Card: card, PIN: pin, Password: own}, phone.EnrolOptions{Replace: true})
		fail(err)
	}
	fmt.Println(seen)
}

// run starts a child with the card held to its phone; died tells whether it was
// killed at its moment, seen how many it passed.
func (w *town) run(o childOrder, c reader.Token) (seen int, died bool) {
	w.t.Helper()
	text, err := json.Marshal(o)
	w.must(err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	out, err := cmd.StdoutPipe()
	w.must(err)
	var trouble strings.Builder
	cmd.Stderr = &trouble
	w.must(cmd.Start())
	lines := bufio.NewScanner(out)
	if lines.Scan() {
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		go reader.Insert(ctx, lines.Text(), c) // ends with ctx, or with the child
		if lines.Scan() {
			seen, _ = strconv.Atoi(lines.Text())
		}
	}
	io.Copy(io.Discard, out)
	err = cmd.Wait()
	if err != nil && cmd.ProcessState.ExitCode() != 137 {
		w.t.Fatalf("child: %v\n%s", err, trouble.String())
	}
	return seen, err != nil
}

// TestKilledAnywhere kills the phone before and after its n-th write, for n a
// registration has; each time the person goes on and ends with one good pair, and
// no try was gained. By default every seventh moment; all with TEGATA_SOAK=1.
func TestKilledAnywhere(t *testing.T) {
	w := newTown(t)
	c := w.hanako()
	w.must(w.phones.Close())
	dsn := storetest.SQLite(t)
	db, err := store.Create(t.Context(), dsn)
	w.must(err)
	w.must(db.Migrate(t.Context(), phonestore.Schema))
	w.config.Store, w.config.GenerateKey = phonestore.New(db), nil
	w.phones = phone.New(w.config)
	made := 0
	order := func(dieAt int) childOrder {
		made++
		id := "p" + strconv.Itoa(made)
		w.phone(id)
		w.must(w.phones.Close())
		w.phones = phone.New(w.config)
		return childOrder{Dir: w.dir, DSN: dsn, Issuer: w.issuer, Now: w.clock(), Phone: id, DieAt: dieAt}
	}
	n, died := w.run(order(0), c)
	if died || n < 20 {
		t.Fatalf("the dry run saw %d moments", n)
	}
	stride := 7
	if os.Getenv("TEGATA_SOAK") != "" {
		stride = 1
	}
	killed := 0
	for at := 1; at <= n; at += stride {
		o := order(at)
		if _, died := w.run(o, c); died {
			killed++
		}
		o.DieAt = 0
		o.Now = w.clock()
		w.run(o, c)
		w.onePair(t, at, o.Phone)
		if got := c.TriesLeft(pki.CardSign); got != 5 {
			t.Fatalf("moment %d: %d tries of the card", at, got)
		}
	}
	t.Logf("a registration has %d moments on the phone's side; killed at %d of them", n, killed)
	if killed < n/stride-1 {
		t.Errorf("killed only %d times", killed)
	}
}

// onePair checks that the phone holds the one good pair of its person.
func (w *town) onePair(t *testing.T, at int, id string) {
	t.Helper()
	p, err := w.phones.Find(t.Context(), id)
	w.must(err)
	l, err := p.LookNow(t.Context())
	w.must(err)
	if l.Stage != phone.StageRegistered || !l.StatesAsked || l.PINTries != 3 || l.PasswordTries != 5 {
		t.Fatalf("moment %d: %+v", at, l)
	}
	for _, c := range l.Certificates {
		block, _ := pem.Decode([]byte(c.PEM))
		parsed, err := x509.ParseCertificate(block.Bytes)
		w.must(err)
		e, err := w.ledger.State(t.Context(), c.Kind, pki.SerialOf(parsed))
		w.must(err)
		if c.State != "good" || e.Status != status.Good {
			t.Fatalf("moment %d: %s is %s here and %s in the ledger", at, c.Kind, c.State, e.Status)
		}
	}
	w.must(w.phones.Close())
	w.phones = phone.New(w.config)
}
