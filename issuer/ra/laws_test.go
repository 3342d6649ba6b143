package ra_test

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"time"

	"golang.org/x/crypto/ocsp"

	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
)

// What must be true of all that is kept, whatever happened.

// kept is all that is kept at one moment.
type kept struct {
	at         time.Time
	certs      map[pki.Serial]keptCert
	enrolments map[string]ra.EnrolmentRecord
	people     map[string]ra.PersonRecord
	cards      map[string]ra.CardRecord
}

// keptCert is an issued certificate with whose it is.
type keptCert struct {
	status.Entry
	person, subject string
}

func (c keptCert) expired(at time.Time) bool { return at.After(c.NotAfter) }

func (s *story) kept() kept {
	s.w.t.Helper()
	ctx := s.w.t.Context()
	k := kept{at: s.w.now, certs: map[pki.Serial]keptCert{}, enrolments: map[string]ra.EnrolmentRecord{},
		people: map[string]ra.PersonRecord{}, cards: map[string]ra.CardRecord{}}
	var enrolments []string
	holds := map[pki.Serial][]status.Hold{}
	each := func(tx store.Tx, query string, row func(scan func(...any) error) error) error {
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := row(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	err := s.w.db.Read(ctx, func(tx store.Tx) error {
		err := each(tx, "SELECT id FROM enrolment", func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			enrolments = append(enrolments, id)
			return err
		})
		if err != nil {
			return err
		}
		err = each(tx, "SELECT serial, cause, opened_at_ms FROM hold ORDER BY opened_at_ms", func(scan func(...any) error) error {
			var serial []byte
			var h status.Hold
			var ms int64
			err := scan(&serial, &h.Cause, &ms)
			h.Since = time.UnixMilli(ms).UTC()
			holds[pki.Serial(serial)] = append(holds[pki.Serial(serial)], h)
			return err
		})
		if err != nil {
			return err
		}
		return each(tx, `SELECT c.serial, c.authority, c.generation, c.status, c.reason, c.since_ms, c.not_after_ms, s.person, s.subject
			FROM certificate c JOIN certificate_subject s ON s.serial = c.serial WHERE c.status <> 'prepared'`, func(scan func(...any) error) error {
			var serial []byte
			var c keptCert
			var since, notAfter int64
			err := scan(&serial, &c.Kind, &c.Generation, &c.Status, &c.Reason, &since, &notAfter, &c.person, &c.subject)
			c.Serial, c.Since, c.NotAfter = pki.Serial(serial), time.UnixMilli(since).UTC(), time.UnixMilli(notAfter).UTC()
			c.Holds = holds[c.Serial]
			k.certs[c.Serial] = c
			return err
		})
	})
	if err != nil {
		s.w.t.Fatal(err)
	}
	err = s.w.store.Read(ctx, func(tx ra.Tx) (err error) {
		for _, id := range enrolments {
			if k.enrolments[id], err = tx.Enrolment(ctx, id); err != nil {
				return err
			}
		}
		for _, who := range s.people {
			if k.people[who.person.ID], err = tx.Person(ctx, who.person.ID); err != nil {
				return err
			}
			for _, c := range who.cards {
				if k.cards[c.id], err = tx.Card(ctx, c.id); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		s.w.t.Fatal(err)
	}
	return k
}

// laws returns how one of them is broken, or "".
func (s *story) laws(before, now kept) string {
	for serial, was := range before.certs {
		is, ok := now.certs[serial]
		switch {
		case !ok:
			return fmt.Sprintf("%s is forgotten", serial)
		case was.Status == status.Revoked && (is.Status != was.Status || is.Reason != was.Reason || !is.Since.Equal(was.Since)):
			return fmt.Sprintf("revoked is not final: %+v became %+v", was, is)
		case was.Status == status.Held && is.Status == status.Revoked && before.at.Equal(now.at) && !is.Since.Equal(was.Since):
			return fmt.Sprintf("revoked as of %v, and held since %v", is.Since, was.Since)
		}
	}
	type has struct {
		person string
		kind   pki.Kind
	}
	good, issued := map[has]int{}, map[string]int{}
	for serial, c := range now.certs {
		if c.Kind == pki.PhoneAuth {
			issued[c.subject]++
			if issued[c.subject] > 1 {
				return fmt.Sprintf("registration %s has a second authentication certificate", c.subject)
			}
		}
		if c.Status == status.Revoked && c.Reason == status.KeyCompromise && (c.Kind.Card() || now.enrolments[c.subject].Ended != ra.EndedCopied) {
			return fmt.Sprintf("%s %s is revoked for keyCompromise, and no two copies were seen", c.Kind, serial)
		}
		if c.Kind.Card() || c.expired(now.at) {
			continue
		}
		e, ok := now.enrolments[c.subject]
		if !ok {
			return fmt.Sprintf("nothing is known of whose %s %s is", c.Kind, serial)
		}
		if c.Status == status.Good {
			if good[has{c.person, c.Kind}]++; good[has{c.person, c.Kind}] > 1 {
				return fmt.Sprintf("%s has two good certificates %s", c.person, c.Kind)
			}
			if broken := s.mayBeGood(now, c, e); broken != "" {
				return fmt.Sprintf("%s is good, and %s", c.Kind, broken)
			}
		}
		if c.Status == status.Held {
			if broken := remembered(now, c, e); broken != "" {
				return fmt.Sprintf("%s is held %v, and %s", c.Kind, c.Holds, broken)
			}
		}
	}
	for id, was := range before.enrolments {
		if is := now.enrolments[id]; was.AuthSerial != (pki.Serial{}) && is.AuthSerial != was.AuthSerial {
			return fmt.Sprintf("the authentication certificate of %s became another one", id)
		}
	}
	for _, serial := range s.burnt {
		if now.certs[serial].Status == status.Good {
			return fmt.Sprintf("phone-sign %s was held when its phone was resumed, and is good", serial)
		}
	}
	return ""
}

// mayBeGood says why a certificate of a phone should not be good.
func (s *story) mayBeGood(now kept, c keptCert, e ra.EnrolmentRecord) string {
	p := now.people[c.person]
	own := e.AuthSerial
	source := e.Card
	kind := pki.CardAuth
	if c.Kind == pki.PhoneSign {
		own, kind, source = e.SignSerial, pki.CardSign, s.cardOf[c.Serial]
	}
	card := now.cards[source]
	cardCert := now.certs[card.AuthSerial]
	if kind == pki.CardSign {
		cardCert = now.certs[card.SignSerial]
	}
	switch {
	case p.Died:
		return "its holder died"
	case p.Phone != e.ID || e.State != ra.StateRegistered || own != c.Serial:
		return "it is not the registered phone's"
	case card.Ended || cardCert.Status == status.Revoked:
		return "it outlives its card"
	case c.NotAfter.After(cardCert.NotAfter) || c.NotAfter.After(e.NotAfter):
		return "it is valid longer than its card or its registration"
	case e.Due.IsZero() || e.Due.After(e.NotAfter):
		return "its lease has no end"
	}
	return ""
}

// remembered says why an open hold would never end by itself.
func remembered(now kept, c keptCert, e ra.EnrolmentRecord) string {
	last := c.Holds[0].Since.Add(ra.RevokedAfterHold)
	want := map[status.Cause]time.Time{status.Lost: e.LostSince, status.Silent: e.SilentSince, status.Suspected: e.SuspectedSince}
	if e.State != ra.StateRegistered {
		last, want = e.ExpiresAt, map[status.Cause]time.Time{status.Unregistered: c.Holds[0].Since}
	}
	open := 0
	for _, since := range want {
		if !since.IsZero() {
			open++
		}
	}
	switch {
	case e.State == ra.StateEnded:
		return "its registration has ended"
	case e.Due.IsZero():
		return "it has no next moment"
	case e.Due.After(last):
		return fmt.Sprintf("its next moment is %v, after the end %v", e.Due, last)
	case open != len(c.Holds):
		return fmt.Sprintf("the registration knows of %d holds", open)
	}
	for _, h := range c.Holds {
		if want[h.Cause].IsZero() {
			return "the registration does not know of " + string(h.Cause)
		}
	}
	return ""
}

// projections compares what the world is told, by OCSP and by CRL, with the ledger.
// A CRL may be 30 seconds behind: nothing has happened for as long.
func (s *story) projections(now kept) string {
	w, ctx := s.w, s.w.t.Context()
	responder, lists := status.NewResponder(w.ledger, w.ca), status.NewCRLs(w.ledger, w.store, w.ca)
	listed := map[pki.Kind]map[string]x509.RevocationListEntry{}
	for serial, c := range now.certs {
		if c.expired(now.at) {
			continue
		}
		state := fmt.Sprintf("%s, reason %d, since %v", c.Status, c.Reason, c.Since.Truncate(time.Second))
		authority := w.ca.Authority(c.Kind)
		request, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: serial.Big()}, authority, &ocsp.RequestOptions{Hash: crypto.SHA256})
		if err != nil {
			return err.Error()
		}
		r, err := ocsp.ParseResponse(responder.Answer(ctx, request), authority)
		if err != nil {
			return err.Error()
		}
		want := ocsp.Revoked
		if c.Status == status.Good {
			want = ocsp.Good
		}
		if r.Status != want || want == ocsp.Revoked && (r.RevocationReason != c.Reason || !r.RevokedAt.Equal(c.Since.Truncate(time.Second))) {
			return fmt.Sprintf("%s %s is %s; OCSP says %d, reason %d, since %v", c.Kind, serial, state, r.Status, r.RevocationReason, r.RevokedAt)
		}
		if listed[c.Kind] == nil {
			list, err := lists.Current(ctx, status.Scope{Kind: c.Kind, Generation: c.Generation})
			if err != nil {
				return err.Error()
			}
			parsed, err := x509.ParseRevocationList(list.DER)
			if err != nil {
				return err.Error()
			}
			listed[c.Kind] = map[string]x509.RevocationListEntry{}
			for _, e := range parsed.RevokedCertificateEntries {
				listed[c.Kind][e.SerialNumber.String()] = e
			}
		}
		e, is := listed[c.Kind][serial.Big().String()]
		if is != (c.Status != status.Good) || is && (e.ReasonCode != c.Reason || !e.RevocationTime.Equal(c.Since.Truncate(time.Second))) {
			return fmt.Sprintf("%s %s is %s; the CRL has it: %v, %+v", c.Kind, serial, state, is, e)
		}
	}
	return ""
}
