package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/store"
	phonestore "tegata/store/phone"
)

// withTables are the roles that have a database.
var withTables = []string{"issuer", "municipality", "phone", "portal", "verifier"}

// scene is what lies there when a process is dead.
type scene struct {
	heads  map[string]head   // role → the end of its audit chain
	phone  [][]byte          // DER of every certificate that the phones ever kept
	ledger map[string]record // serial → what the issuer has of it
	sent   map[string]string // id → state of every registration that the issuer knows
	cms    int               // applications that the issuer keeps
}

type head struct {
	seq  int64
	hash []byte
}

// record is a row of the issuer's certificates.
type record struct {
	authority, status string
	der               []byte // nil: recorded, never signed
	phone             bool   // of a phone of the resident
}

// dsn is where a role's tables are in the copy, or in a copy of the copy at dir.
func (k *killer) dsn(dir, role string) string {
	if k.pg != nil {
		return k.pg.working()[role]
	}
	return "sqlite:" + filepath.Join(dir, role, role+".db")
}

// look reads everything, and checks every audit chain. With SQLite it reads a
// copy: opening a database after a death repairs it, and that is for the process
// that is started again.
func (k *killer) look(ctx context.Context) (scene, error) {
	s := scene{heads: map[string]head{}}
	dir := k.work
	if k.pg == nil {
		dir = k.work + "-scene"
		defer os.RemoveAll(dir)
		for _, role := range withTables {
			if err := copyDatabase(filepath.Join(k.work, role, role+".db"), filepath.Join(dir, role, role+".db")); err != nil {
				return s, err
			}
		}
	}
	for _, role := range withTables {
		if err := k.lookAt(ctx, &s, role, k.dsn(dir, role)); err != nil {
			return s, fmt.Errorf("%s: %w", role, err)
		}
	}
	return s, nil
}

// copyDatabase copies an SQLite file and its log.
func copyDatabase(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(from + suffix)
		if errors.Is(err, os.ErrNotExist) && suffix != "" {
			continue
		}
		if err == nil {
			err = os.WriteFile(to+suffix, content, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *killer) lookAt(ctx context.Context, s *scene, role, dsn string) error {
	db, err := store.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.CheckAudit(ctx); err != nil {
		return err
	}
	var h head
	if h.seq, h.hash, err = db.AuditHead(ctx); err != nil {
		return err
	}
	s.heads[role] = h
	switch role {
	case "phone":
		s.phone, err = kept(ctx, db)
	case "issuer":
		err = s.readIssuer(ctx, db)
	}
	return err
}

// kept is every certificate in the phones' own tables.
func kept(ctx context.Context, db *store.DB) (all [][]byte, err error) {
	for _, id := range []string{oldPhone, newPhone} {
		list, err := phonestore.New(db).Enrolments(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			if e.Certificates != nil {
				all = append(all, e.Certificates.Auth, e.Certificates.Sign)
			}
		}
	}
	return all, nil
}

func (s *scene) readIssuer(ctx context.Context, db *store.DB) error {
	return db.Read(ctx, func(tx store.Tx) error {
		s.ledger, s.sent = map[string]record{}, map[string]string{}
		err := each(ctx, tx, `SELECT c.serial, c.authority, c.status, c.certificate, COALESCE(s.phone, 0)
			FROM certificate c LEFT JOIN certificate_subject s ON s.serial = c.serial`, func(rows store.Rows) error {
			var serial []byte
			var r record
			var phone int64
			err := rows.Scan(&serial, &r.authority, &r.status, &r.der, &phone)
			r.phone = phone == 1
			s.ledger[pki.Serial(serial).String()] = r
			return err
		})
		if err != nil {
			return err
		}
		err = each(ctx, tx, "SELECT id, state FROM enrolment", func(rows store.Rows) error {
			var id, state string
			err := rows.Scan(&id, &state)
			s.sent[id] = state
			return err
		})
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, "SELECT COUNT(*) FROM application").Scan(&s.cms)
	})
}

func each(ctx context.Context, tx store.Tx, query string, row func(store.Rows) error) error {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

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
	defer p.kill()
	tries, err := k.cardTries(ctx, k.work)
	if err != nil {
		return err
	}
	if want := cardTriesAfter(seen); tries.Sign != want || tries.Auth != 3 {
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
	p.kill()
	after, err := k.look(ctx)
	if err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	return errors.Join(k.checkLedger(after, pair), checkKept(crash, after), k.checkChains(ctx, crash))
}

// cardTriesAfter is what the card must have left, from what it had written: each
// use of the right password writes one try less first, and all five after the
// comparison.
func cardTriesAfter(seen []moment) int {
	left := cardTriesBefore
	for i := range written(seen, resident+".card") {
		if i%2 == 0 {
			left--
		} else {
			left = 5
		}
	}
	return left
}

// written is how often a file had been replaced.
func written(seen []moment, file string) (n int) {
	for _, m := range seen {
		if m.Name == "after write "+file {
			n++
		}
	}
	return n
}

// finish is what the person does: looks at the phone, and enters the same command
// again while it is not registered.
func (k *killer) finish(ctx context.Context) error {
	v, err := k.show(ctx, k.work, newPhone)
	if err != nil {
		return err
	}
	if v.State == "registered" {
		return nil
	}
	if err := k.enrol(ctx, k.work, newPhone, k.theirs()); err != nil {
		return fmt.Errorf("the phone stood at %q, and going on failed: %w", v.State, err)
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
		defer p.kill()
		got, err := left(k, ctx)
		if err != nil {
			return err
		}
		if want := before - min(1, written(seen, file)); got != want {
			return fmt.Errorf("%d tries are left, want %d", got, want)
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
