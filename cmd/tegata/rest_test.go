package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/store"
)

// checkRegistration starts the neighbourhood again, has the person go on, and
// checks everything that must be so whenever it died. It ends with one death
// more: what was answered is there after it.
func (k *killer) checkRegistration(ctx context.Context, seen []moment) error {
	crash, err := k.look(ctx)
	if err != nil {
		return fmt.Errorf("after the death: %w", err)
	}
	p, err := k.again(ctx)
	if err != nil {
		return err
	}
	defer p.kill(0)
	tries, err := k.cardTries(ctx, k.work)
	if err != nil {
		return err
	}
	if want := cardTriesAfter(seen); !slices.Contains(want, tries.Sign) || tries.Auth != 3 {
		return fmt.Errorf("the card has %+v tries; %d of its password were to be left", tries, want)
	}
	if err := k.finish(ctx); err != nil {
		return err
	}
	v, err := k.show(ctx, k.work, newPhone)
	if err != nil {
		return err
	}
	pair, err := k.checkPhone(ctx, v)
	if err != nil {
		return err
	}
	if tries, err = k.cardTries(ctx, k.work); err != nil || tries.Sign > 5 {
		return fmt.Errorf("in the end the card has %+v tries, %w", tries, err)
	}
	p.kill(0)
	after, err := k.look(ctx)
	if err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	return errors.Join(k.checkLedger(after, pair), checkKept(crash, after), k.checkChains(ctx, crash))
}

// cardTriesAfter is what the card must have left, from what it may have written:
// each use of the right password writes one try less first, and all five after
// the comparison.
func cardTriesAfter(seen []moment) (want []int) {
	for _, n := range written(seen, resident+".card") {
		left := cardTriesBefore
		for i := range n {
			if i%2 == 0 {
				left--
			} else {
				left = 5
			}
		}
		want = append(want, left)
	}
	return want
}

// written is how often a file had been replaced. It is two numbers when the death
// was at another's write and met this file between its renaming and the word of
// it: nobody can say then whether the last one is in place.
func written(seen []moment, file string) []int {
	begun, done := 0, 0
	for _, m := range seen {
		switch m.Name {
		case "before rename " + file:
			begun++
		case "after write " + file:
			done++
		}
	}
	if begun > done && seen[len(seen)-1].Name != "before rename "+file {
		return []int{done, begun}
	}
	return []int{done}
}

// finish is what the person does who was not told that it is done: enters the same
// command again. It tells the lock code.
func (k *killer) finish(ctx context.Context) error {
	if k.told {
		return nil
	}
	told, err := k.enrol(ctx, k.work, newPhone, k.theirs())
	if err == nil && !told {
		err = errors.New("the lock code was never told")
	}
	if err != nil {
		return fmt.Errorf("going on: %w", err)
	}
	return nil
}

// checkPhone checks the phone from outside: two certificates, which a stranger is
// told are good, and all tries of both secrets. It returns their serials.
func (k *killer) checkPhone(ctx context.Context, v phoneView) (pair map[string]bool, err error) {
	if tries, err := triesOf(v); err != nil || v.State != "registered" || len(v.Certificates) != 2 || tries != (phoneTries{PIN: 3, Password: 5}) {
		return nil, fmt.Errorf("the phone is %q with %d certificates and tries %s", v.State, len(v.Certificates), v.Tries)
	}
	pair = map[string]bool{}
	kinds := map[string]bool{}
	issuer := settings{Listen: k.listen}.machine("issuer")
	for _, c := range v.Certificates {
		block, _ := pem.Decode([]byte(c.PEM))
		if block == nil {
			return nil, errors.New("a certificate does not decode")
		}
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		body, _, err := httpd.Exchange(ctx, httpd.Client(5*time.Second), "GET", issuer+"/ca/"+c.Kind+".cer", nil)
		if err != nil {
			return nil, err
		}
		authority, err := x509.ParseCertificate(body)
		if err != nil {
			return nil, err
		}
		s, err := certpath.OCSP{Client: httpd.Client(5 * time.Second)}.Status(ctx, leaf, authority, time.Now())
		if err != nil {
			return nil, fmt.Errorf("OCSP of %s: %w", c.Kind, err)
		}
		if c.Status != "good" || s.State != certpath.Good {
			return nil, fmt.Errorf("%s is %s on the phone and %s to a stranger", c.Kind, c.Status, s.State)
		}
		pair[c.Serial], kinds[c.Kind] = true, true
	}
	if !kinds["phone-auth"] || !kinds["phone-sign"] {
		return nil, fmt.Errorf("the phone has %v", kinds)
	}
	return pair, nil
}

// checkLedger checks the issuer's own rows: of all that was ever recorded for a
// phone of this person, exactly the pair is good, and the older phone's pair is
// revoked; there is nothing else, and no second application.
func (k *killer) checkLedger(after scene, pair map[string]bool) error {
	older := map[string]bool{}
	for _, c := range k.phone.Certificates {
		older[c.Serial] = true
	}
	phones := 0
	for serial, r := range after.ledger {
		want := ""
		switch {
		case !r.phone:
			continue
		case pair[serial]:
			want = "good"
		case older[serial]:
			want = "revoked"
		}
		if phones++; r.status != want {
			return fmt.Errorf("the ledger has %s of %s as %q, want %q", serial, r.authority, r.status, want)
		}
	}
	if phones != 4 {
		return fmt.Errorf("%d certificates were recorded for phones, not 4", phones)
	}
	states := map[string]int{}
	for _, s := range after.sent {
		states[s]++
	}
	if len(after.sent) != 2 || states["registered"] != 1 || states["ended"] != 1 || after.cms != 2 {
		return fmt.Errorf("the issuer knows the registrations %v and %d applications", states, after.cms)
	}
	return nil
}

// checkKept checks that every certificate that anybody held at the death or in the
// end is in the ledger as it was, signed and not only drafted.
func checkKept(crash, after scene) error {
	for _, der := range append(crash.phone, after.phone...) {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		if r, ok := after.ledger[pki.SerialOf(c).String()]; !ok || !bytes.Equal(r.der, der) || r.status == "prepared" {
			return fmt.Errorf("the phone held %x, and the ledger has it as %q", c.SerialNumber, r.status)
		}
	}
	for serial, before := range crash.ledger {
		r, ok := after.ledger[serial]
		if !ok || before.der != nil && !bytes.Equal(before.der, r.der) {
			return fmt.Errorf("%s was in the ledger at the death and is not there as it was", serial)
		}
	}
	for id := range crash.sent {
		if after.sent[id] == "" {
			return fmt.Errorf("the registration %s was lost", id)
		}
	}
	return nil
}

// checkChains checks that every audit chain still holds the record that was its
// last at the death. That each chain is whole, look has checked.
func (k *killer) checkChains(ctx context.Context, crash scene) error {
	for role, h := range crash.heads {
		if h.seq == 0 {
			continue
		}
		db, err := store.Open(ctx, k.dsn(k.work, role))
		if err != nil {
			return err
		}
		var hash []byte
		err = db.Read(ctx, func(tx store.Tx) error {
			return tx.QueryRow(ctx, "SELECT hash FROM store_audit WHERE seq = $1", h.seq).Scan(&hash)
		})
		if err = errors.Join(err, db.Close()); err != nil || !bytes.Equal(hash, h.hash) {
			return fmt.Errorf("the audit record %d of %s is not what it was at the death: %w", h.seq, role, err)
		}
	}
	return nil
}

// triesCheck is the check of a mistyped secret: it costs exactly one try from the
// moment the file is replaced, which is before the comparison, and none before.
func triesCheck(file string, before int, left func(*killer, context.Context) (int, error)) func(context.Context, *killer, []moment) error {
	return func(ctx context.Context, k *killer, seen []moment) error {
		p, err := k.again(ctx)
		if err != nil {
			return err
		}
		defer p.kill(0)
		got, err := left(k, ctx)
		if err != nil {
			return err
		}
		right := func(n int) bool { return got == before-min(1, n) }
		if n := written(seen, file); !slices.ContainsFunc(n, right) {
			return fmt.Errorf("%d tries are left of %d, after %d writes", got, before, n)
		}
		_, err = k.look(ctx)
		return err
	}
}

func (k *killer) cardLeft(ctx context.Context) (int, error) {
	tries, err := k.cardTries(ctx, k.work)
	return tries.Sign, err
}

func (k *killer) passwordLeft(ctx context.Context) (int, error) {
	tries, err := k.oldTries(ctx)
	return tries.Password, err
}

func (k *killer) pinLeft(ctx context.Context) (int, error) {
	tries, err := k.oldTries(ctx)
	return tries.PIN, err
}

// phoneTries are the tries left of a phone.
type phoneTries struct {
	PIN      int `json:"pin"`
	Password int `json:"password"`
}

func triesOf(v phoneView) (tries phoneTries, err error) {
	return tries, json.Unmarshal(v.Tries, &tries)
}

func (k *killer) oldTries(ctx context.Context) (phoneTries, error) {
	v, err := k.show(ctx, k.work, oldPhone)
	if err != nil {
		return phoneTries{}, err
	}
	return triesOf(v)
}
