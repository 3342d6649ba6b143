package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tegata/internal/clock"
	"tegata/internal/durable"
	"tegata/internal/httpd"
	"tegata/internal/secret"
	"tegata/sandbox"
)

// town is a small neighbourhood for tests: one resident with a card and a new
// phone, every role, real doors. It is made once; tests work on copies.
type town struct {
	dir    string
	listen string
	keys   string // PEM file
	used   int    // how many of them
	own    sandbox.PhoneSecrets
	card   sandbox.CardSecrets
}

// resident is who lives there.
const resident = "hanako"

// theirs is the secrets of the resident and the ones chosen for the phone.
func (tn *town) theirs() map[string]string {
	return map[string]string{"card_signature_password": tn.card.CardSignaturePassword,
		"phone_auth_pin": tn.own.PhoneAuthPIN, "phone_signature_password": tn.own.PhoneSignaturePassword}
}

// make makes a sandbox in dir whose ports begin at listen. then runs while
// it is up. What is left is complete and closed.
func (tn *town) make(t *testing.T, database func(string) string, then func(context.Context, *neighbourhood) error) {
	t.Helper()
	keys, err := keysIn(tn.keys)
	if err != nil {
		t.Fatal(err)
	}
	b := build{log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), cost: secret.TestCost(),
		generateKey: keys.from(tn.used), database: database}
	s, err := createSettings(tn.dir, tn.listen)
	if err != nil {
		t.Fatal(err)
	}
	// It begins today: nobody in it needs years behind them.
	if _, err := clock.Create(filepath.Join(tn.dir, clockFile), durable.Files{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	n, err := b.openNeighbourhood(t.Context(), tn.dir, s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return httpd.Serve(ctx, n.listeners...) })
	group.Go(func() error { return n.sender.Run(ctx) })
	group.Go(func() error {
		defer stop()
		if err := n.makeSmall(ctx, func() { group.Go(func() error { return n.follow(ctx) }) }); err != nil {
			return err
		}
		if tn.card, err = n.secrets.Card(resident); err != nil {
			return err
		}
		return then(ctx, n)
	})
	if err := errors.Join(group.Wait(), n.Close()); err != nil {
		t.Fatal(err)
	}
	s.Made = true
	if err := s.save(tn.dir); err != nil {
		t.Fatal(err)
	}
}

// makeSmall is make for one resident.
func (n *neighbourhood) makeSmall(ctx context.Context, follow func()) error {
	if err := n.buildVouchers(ctx); err != nil {
		return err
	}
	if err := n.buildRest(ctx); err != nil {
		return err
	}
	follow()
	if err := n.verifier.wait(ctx); err != nil {
		return err
	}
	_, people, err := sandbox.People()
	if err != nil {
		return err
	}
	for _, p := range people {
		if p.ID == resident {
			return n.makePerson(ctx, p)
		}
	}
	return fmt.Errorf("nobody is called %s", resident)
}

// tegata is a command of a person of this town, as on a terminal: its output, and
// its exit code as an error when it is not 0. stdin is what the person types.
func (tn *town) tegata(ctx context.Context, dir string, stdin string, args ...string) (string, error) {
	out, _, err := tn.terminal(ctx, dir, stdin, args...)
	return out, err
}

// terminal is tegata with what it says to people, too.
func (tn *town) terminal(ctx context.Context, dir string, stdin string, args ...string) (out, said string, err error) {
	var stdout, stderr strings.Builder
	c := console{strings.NewReader(stdin), &stdout, &stderr, func(string) string { return "" }}
	args = append(args, "-data", dir, "-street", "http://"+tn.listen)
	if code := run(ctx, args, c); code != exitDone {
		err = &exitError{code, stderr.String()}
	}
	return stdout.String(), stderr.String(), err
}

// exitError is a command that did not end with 0.
type exitError struct {
	code int
	said string
}

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d: %s", e.code, e.said) }

// enrol registers a phone by the command. told says whether the person was told
// the lock code, whatever came then.
func (tn *town) enrol(ctx context.Context, dir, phone string, secrets map[string]string) (told bool, err error) {
	_, said, err := tn.terminal(ctx, dir, marshal(secrets), "phone", "enrol", phone, "-card", resident)
	return strings.Contains(said, "lock code: "), err
}

// show is `phone show -json`.
func (tn *town) show(ctx context.Context, dir, phone string) (v phoneView, err error) {
	text, err := tn.tegata(ctx, dir, "", "phone", "show", phone, "-json")
	if err != nil {
		return v, err
	}
	err = json.Unmarshal([]byte(text), &v)
	return v, err
}

// cardTries are the tries left of the resident's card.
type cardTries struct {
	Sign int `json:"sign_password"`
	Auth int `json:"auth_pin"`
}

func (tn *town) cardTries(ctx context.Context, dir string) (cardTries, error) {
	var rack struct {
		Cards []struct {
			ID    string    `json:"id"`
			Tries cardTries `json:"tries"`
		} `json:"cards"`
	}
	street := "http://" + tn.listen
	r := &remote{street: &street, data: &dir, client: httpd.Client(10 * time.Second)}
	if err := r.find(ctx); err != nil {
		return cardTries{}, err
	}
	if err := r.get(ctx, "cards", "/v1/cards", &rack); err != nil {
		return cardTries{}, err
	}
	for _, c := range rack.Cards {
		if c.ID == resident {
			return c.Tries, nil
		}
	}
	return cardTries{}, fmt.Errorf("no card of %s", resident)
}

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
