package mail_test

import (
	"context"
	"fmt"
	"log/slog"
	"mime"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	issuermail "tegata/issuer/mail"
	"tegata/issuer/ra"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

var monday = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func notice(id, address string, at time.Time) ra.Notice {
	return ra.Notice{ID: id, At: at, To: ra.Contact{Channel: ra.ChannelMail, Address: address}, Kind: ra.NoticeSuspended,
		JA: ra.NoticeText{Title: "スマホを一時停止しました", Body: "停止コードにより、T-1 の証明書を一時停止しました。見つかったら、スマホにカードをかざして再開できます。" + strings.Repeat("長い文。", 60)},
		EN: ra.NoticeText{Title: "Your phone is suspended", Body: "The certificates in your T-1 were put on hold by lock code."}}
}

// put is what the registration authority does: a notice in a transaction of its own.
func put(t *testing.T, s *issuer.Store, list ...ra.Notice) {
	t.Helper()
	err := s.Write(t.Context(), func(tx ra.Tx) error {
		for _, n := range list {
			if err := tx.PutNotice(t.Context(), "somebody", n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// way is a mail server of which the test decides what it says.
type way struct {
	mu   sync.Mutex
	says func(n ra.Notice) issuermail.Outcome
	got  map[string]int
}

func (w *way) Send(_ context.Context, n ra.Notice) issuermail.Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.got == nil {
		w.got = map[string]int{}
	}
	w.got[n.ID]++
	return w.says(n)
}

func sent(ra.Notice) issuermail.Outcome { return issuermail.Outcome{Sent: true} }

func TestEachNoticeIsMailedOnceAndOthersWait(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		s := issuer.New(db)
		var list []ra.Notice
		for i := range 120 { // more than a round
			list = append(list, notice(fmt.Sprint("n", i), "hanako@example.jp", monday))
		}
		boxed := notice("boxed", "hanako", monday)
		boxed.To.Channel = "mailbox"
		put(t, s, append(list, boxed, notice("tomorrow", "taro@example.jp", monday.AddDate(0, 0, 1)))...)
		w := &way{says: sent}
		two := []*issuermail.Work{{Store: s, Sender: w, Log: slog.New(slog.DiscardHandler)}, {Store: s, Sender: w, Log: slog.New(slog.DiscardHandler)}}
		var done sync.WaitGroup
		for _, work := range two { // two processes at once
			done.Go(func() {
				if err := work.RunDue(t.Context(), monday); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		for range 2 { // and again: nothing is left to do
			if err := two[0].RunDue(t.Context(), monday.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if len(w.got) != 120 {
			t.Errorf("%d of 120 notices were mailed", len(w.got))
		}
		for id, n := range w.got {
			if n != 1 || id == "boxed" || id == "tomorrow" {
				t.Errorf("%s was mailed %d times", id, n)
			}
		}
		if waiting, givenUp, err := s.Deliveries(t.Context()); err != nil || waiting != 1 || givenUp != 0 {
			t.Errorf("%d wait, %d given up, %v", waiting, givenUp, err)
		}
		if err := db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A server that is away is asked again later and later, for five days; then the
// operator sees what was given up. One refusal of one address stops nobody else's mail.
func TestATryIsMadeAgainForFiveDays(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		s := issuer.New(db)
		put(t, s, notice("a", "hanako@example.jp", monday), notice("b", "hanako@example.jp", monday))
		w := &way{says: func(ra.Notice) issuermail.Outcome { return issuermail.Outcome{Away: true, Why: "connection"} }}
		var log strings.Builder
		work := &issuermail.Work{Store: s, Sender: w, Log: slog.New(slog.NewTextHandler(&log, nil))}
		if err := work.RunDue(t.Context(), monday); err != nil {
			t.Fatal(err)
		}
		if len(w.got) != 1 {
			t.Errorf("the server is away, and was tried for %d notices", len(w.got))
		}
		tries := 0
		for at := monday; at.Before(monday.Add(issuermail.Lasts + 7*time.Hour)); at = at.Add(5 * time.Minute) {
			before := w.got["a"]
			if err := work.RunDue(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			tries += w.got["a"] - before
		}
		if waiting, givenUp, err := s.Deliveries(t.Context()); err != nil || waiting != 0 || givenUp != 2 {
			t.Fatalf("%d wait, %d given up, %v", waiting, givenUp, err)
		}
		if w.got["a"] < 15 || w.got["a"] > 40 {
			t.Errorf("tried %d times in five days", w.got["a"])
		}
		if !strings.Contains(log.String(), "a notice was given up") || strings.Contains(log.String(), "hanako") || strings.Contains(log.String(), "一時停止") {
			t.Errorf("the log says\n%s", log.String())
		}

		put(t, s, notice("c", "gone@example.jp", monday), notice("d", "taro@example.jp", monday), notice("e", "saburo@example.jp", monday))
		w.says = func(n ra.Notice) issuermail.Outcome {
			switch n.ID {
			case "c":
				return issuermail.Outcome{Final: true, Why: "550"}
			case "d":
				return issuermail.Outcome{Why: "450"}
			}
			return issuermail.Outcome{Sent: true}
		}
		if err := work.RunDue(t.Context(), monday); err != nil {
			t.Fatal(err)
		}
		if waiting, givenUp, err := s.Deliveries(t.Context()); err != nil || waiting != 1 || givenUp != 3 || w.got["e"] != 1 {
			t.Errorf("%d wait, %d given up, %v; e tried %d times", waiting, givenUp, err, w.got["e"])
		}
		w.says = sent
		if err := work.RunDue(t.Context(), monday.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if w.got["c"] != 1 || w.got["d"] != 2 {
			t.Errorf("a minute later: %v", w.got)
		}
	})
}

// The process dies after the server took a mail and before that is written down: it is
// sent again, under the same Message-ID.
func TestADeathBetweenSendingAndWritingSendsAgain(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		s := issuer.New(db)
		put(t, s, notice("a", "hanako@example.jp", monday))
		ctx, die := context.WithCancel(t.Context())
		w := &way{says: func(ra.Notice) issuermail.Outcome { die(); return issuermail.Outcome{Sent: true} }}
		work := &issuermail.Work{Store: s, Sender: w, Log: slog.New(slog.DiscardHandler)}
		if err := work.RunDue(ctx, monday); err == nil {
			t.Fatal("the record was written after the death")
		}
		for range 3 {
			if err := work.RunDue(t.Context(), monday.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if w.got["a"] != 2 {
			t.Errorf("sent %d times", w.got["a"])
		}
	})
}

// A real mail server, Debian's aiosmtpd: STARTTLS, and what arrives.
func TestAMailServerTakesNotices(t *testing.T) {
	server := startServer(t)
	config := issuermail.Config{Host: "localhost", Port: server.port, From: "no-reply@ca.example.jp", Roots: server.roots}
	smtp, err := issuermail.NewSMTP(config)
	if err != nil {
		t.Fatal(err)
	}
	n := notice("c2l4dGVlbi1ieXRlcw", "hanako@example.jp", monday)
	for range 2 { // as after a death in between
		if out := smtp.Send(t.Context(), n); !out.Sent {
			t.Fatalf("got %+v", out)
		}
	}
	arrived := server.mails(t)
	if len(arrived) != 2 {
		t.Fatalf("%d mails arrived", len(arrived))
	}
	for _, m := range arrived {
		if got := m.Header.Get("Message-Id"); got != "<c2l4dGVlbi1ieXRlcw@ca.example.jp>" {
			t.Errorf("Message-ID %s", got)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || subject != "スマホを一時停止しました / Your phone is suspended" {
			t.Errorf("subject %q, %v", subject, err)
		}
		if to, err := mail.ParseAddress(m.Header.Get("To")); err != nil || to.Address != "hanako@example.jp" {
			t.Errorf("to %v, %v", to, err)
		}
		if m.Header.Get("Auto-Submitted") != "auto-generated" || !strings.HasPrefix(m.Header.Get("Content-Type"), "text/plain; charset=UTF-8") {
			t.Errorf("header %v", m.Header)
		}
		if at, err := m.Header.Date(); err != nil || !at.Equal(monday) {
			t.Errorf("date %v, %v", at, err)
		}
		for _, want := range []string{n.JA.Body, n.EN.Body, "停止コードをメールや電話で聞くことはありません。"} {
			if !strings.Contains(m.text, want) {
				t.Errorf("%q is missing in\n%s", want, m.text)
			}
		}
		if strings.Contains(m.text, "http") || strings.Contains(m.text, "手形") {
			t.Errorf("a link or a name stands in\n%s", m.text)
		}
	}

	// Without trust in its certificate nothing is handed over, and neither without TLS.
	for why, change := range map[string]func(*issuermail.Config){
		"certificate": func(c *issuermail.Config) { c.Roots = nil },
		"no-starttls": func(c *issuermail.Config) { c.Port = server.plain },
		"connection":  func(c *issuermail.Config) { c.Port = 1 },
	} {
		c := config
		change(&c)
		other, err := issuermail.NewSMTP(c)
		if err != nil {
			t.Fatal(err)
		}
		if out := other.Send(t.Context(), n); !out.Away || out.Sent || out.Final || out.Why != why {
			t.Errorf("%s: got %+v", why, out)
		}
	}
	// No address is no mail, and the reason does not repeat it.
	for _, address := range []string{"hanako", "a@b@c", "hanako@example.jp\r\nBcc: all@example.jp", ""} {
		n.To.Address = address
		if out := smtp.Send(t.Context(), n); !out.Final || out.Why != "address" {
			t.Errorf("%q: got %+v", address, out)
		}
	}
	if got := len(server.mails(t)); got != 2 {
		t.Errorf("%d mails are there", got)
	}
	// What the server will never take is final.
	n.To.Address, config.Port = "hanako@example.jp", server.small
	narrow, err := issuermail.NewSMTP(config)
	if err != nil {
		t.Fatal(err)
	}
	if out := narrow.Send(t.Context(), n); !out.Final || out.Why != "552" {
		t.Errorf("got %+v", out)
	}
}

func TestAConfigurationThatCannotWorkIsRefused(t *testing.T) {
	good := issuermail.Config{Host: "mx.example.jp", Port: 587, From: "no-reply@example.jp"}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*issuermail.Config){
		"no host": func(c *issuermail.Config) { c.Host = "" }, "no port": func(c *issuermail.Config) { c.Port = 0 },
		"another TLS": func(c *issuermail.Config) { c.Port = 465 }, "no address": func(c *issuermail.Config) { c.From = "Tegata" },
		"a name": func(c *issuermail.Config) { c.From = "Tegata <a@example.jp>" }, "half a login": func(c *issuermail.Config) { c.User = "a" },
	} {
		c := good
		change(&c)
		if err := c.Check(); err == nil {
			t.Error(name)
		}
	}
}
