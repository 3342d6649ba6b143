package portal

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"

	"tegata/internal/ceremony"
	"tegata/internal/clock"
	"tegata/internal/httpd"
)

// PushConfig is how browsers are told that there is a notice (RFC 8030, 8291, 8292).
type PushConfig struct {
	Key []byte // 32 secret bytes: the private key by which push services know this portal
	// Loopback lets browsers name a push service on this machine: a sandbox's.
	Loopback bool
}

// pushServices are those of the browsers that people have: nothing else is ever called,
// whatever a browser says.
func pushServices() []string {
	return []string{"fcm.googleapis.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com"}
}

// pushText is all that a push service carries, sealed for the browser: that there is
// something. The words are in the page's own script.
const pushText = `{"v":1}`

const (
	pushTTL  = 24 * 60 * 60 // seconds that a push service keeps it for a device that is off
	pushBack = time.Hour    // how far back notices are looked for
	maxPush  = 5            // browsers of one person
)

// PushSubscription is one browser that wants to know.
type PushSubscription struct {
	Endpoint string
	Person   string
	Holder   string // pairwise to the verifier
	P256dh   string
	Auth     string
	Since    time.Time
}

// pushSender is what PushConfig.Key makes.
type pushSender struct {
	private, public string
	loopback        bool
	client          *http.Client
	pauses          pushPauses
}

func newPushSender(c PushConfig) (*pushSender, error) {
	key, err := ecdh.P256().NewPrivateKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("portal: configuration: push key: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString
	return &pushSender{private: text(key.Bytes()), public: text(key.PublicKey().Bytes()), loopback: c.Loopback, client: httpd.Client(10 * time.Second)}, nil
}

// PushKey is what a browser needs to subscribe; "" when this portal does not push.
func (p *Portal) PushKey() string {
	if p.push == nil {
		return ""
	}
	return p.push.public
}

// check refuses a subscription that is none, or whose service we do not call.
func (s *pushSender) check(n PushSubscription) error {
	u, err := url.Parse(n.Endpoint)
	if err != nil || u.User != nil || len(n.Endpoint) > 1000 {
		return ErrPushService
	}
	ip := net.ParseIP(u.Hostname())
	known := u.Scheme == "https" && u.Port() == "" && slices.ContainsFunc(pushServices(), func(service string) bool {
		return u.Hostname() == service || strings.HasSuffix(u.Hostname(), "."+service)
	})
	if !known && !(s.loopback && u.Scheme == "http" && ip != nil && ip.IsLoopback()) {
		return ErrPushService
	}
	point, err1 := base64.RawURLEncoding.DecodeString(n.P256dh)
	auth, err2 := base64.RawURLEncoding.DecodeString(n.Auth)
	if err1 != nil || err2 != nil || len(auth) != 16 {
		return ErrPushService
	}
	if _, err := ecdh.P256().NewPublicKey(point); err != nil {
		return ErrPushService.Because(err)
	}
	return nil
}

// SubscribePush has a browser of who is logged in told of notices from now on. Errors
// are problems: ErrNotLoggedIn, ErrPushService, ErrPushLimit, ErrNoPush, the issuer's.
func (p *Portal) SubscribePush(ctx context.Context, token, endpoint, p256dh, auth string) error {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return err
	}
	n := PushSubscription{Endpoint: endpoint, Person: s.Person, Holder: s.Holder, P256dh: p256dh, Auth: auth, Since: p.at()}
	if p.push == nil {
		return ErrPushService
	}
	if err := p.push.check(n); err != nil {
		return err
	}
	if n, err := p.PushCount(ctx, token); err != nil {
		return err
	} else if n >= maxPush {
		return ErrPushLimit
	}
	if err := p.watchNotices(ctx, s, true); err != nil {
		return err
	}
	return p.store.PutPush(ctx, p.who(s.Person), n)
}

// UnsubscribePush ends it for all browsers of the person.
func (p *Portal) UnsubscribePush(ctx context.Context, token string) error {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return err
	}
	if err := p.store.DropPushes(ctx, p.who(s.Person), s.Person, p.at()); err != nil {
		return fmt.Errorf("portal: push: %w", err)
	}
	return p.watchNotices(ctx, s, false)
}

// PushCount is how many browsers of who is logged in are told.
func (p *Portal) PushCount(ctx context.Context, token string) (int, error) {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return 0, err
	}
	list, err := p.store.PushesOf(ctx, s.Holder)
	return len(list), err
}

// watchNotices asks the issuer to tell us when there is a notice for the person.
func (p *Portal) watchNotices(ctx context.Context, s Session, on bool) error {
	if s.Grants[ceremony.ScopeNotices] == "" {
		return ErrNoPush
	}
	header, err := p.bearer(p.config.Issuer, "")
	if err != nil {
		return fmt.Errorf("portal: push: %w", err)
	}
	body := struct {
		Holder string `json:"holder"`
		On     bool   `json:"on"`
	}{s.Holder, on}
	var done struct {
		On bool `json:"on"`
	}
	return httpd.PostJSON(ctx, p.client, p.config.Issuer+"/v1/notice-watches", body, &done, header,
		httpd.Header{Name: ceremony.GrantHeader, Value: s.Grants[ceremony.ScopeNotices]})
}

// RunPush tells browsers of notices until ctx ends, looking every so often.
func (p *Portal) RunPush(ctx context.Context, every time.Duration) error {
	if p.push == nil {
		return nil
	}
	return clock.Every(ctx, every, p.PushDue, func(err error) { p.log.Warn("browsers could not be told of notices", "error", err) })
}

// A pushNotice is what the issuer tells of a notice: that there is one, and for whom.
type pushNotice struct {
	ID     string    `json:"id"`
	Holder string    `json:"holder"`
	At     time.Time `json:"at"`
}

// PushDue tells each browser of each notice of the last hour once. It is one more way
// to learn of a notice, and never the only one: what a push service does not take now
// is tried again while the hour lasts, and then left to the second channel. No browser
// waits for another: the errors are those of all that failed.
func (p *Portal) PushDue(ctx context.Context) error {
	if any, err := p.store.AnyPush(ctx); err != nil || !any {
		return err
	}
	header, err := p.bearer(p.config.Issuer, "")
	if err != nil {
		return err
	}
	var told struct {
		Notices []pushNotice `json:"notices"`
	}
	since := strconv.FormatInt(p.at().Add(-pushBack).UnixMilli(), 10)
	if err := httpd.GetJSON(ctx, p.client, p.config.Issuer+"/v1/noticed?since="+since, &told, header); err != nil {
		return err
	}
	var failed []error
	for _, n := range told.Notices {
		list, err := p.store.PushesOf(ctx, n.Holder)
		failed = append(failed, err)
		for _, s := range list {
			// Whoever subscribed after a notice has no news of it.
			if n.At.Before(s.Since) || p.push.pauses.resting(s.Endpoint, p.at()) {
				continue
			}
			failed = append(failed, p.pushTo(ctx, n.ID, s))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// pushTo tells one browser of one notice, once. It is written down before it is sent, so
// that two processes do not tell the same twice, and taken back when it was not taken. A
// browser that is gone, or that failed for days, is forgotten.
func (p *Portal) pushTo(ctx context.Context, notice string, s PushSubscription) error {
	first, err := p.store.TakePushed(ctx, notice, s.Endpoint, p.at())
	if err != nil || !first {
		return err
	}
	status, err := p.push.send(ctx, s, p.config.Origin)
	switch {
	case err != nil:
		// What is said of an address tells nothing of it: it is a secret between the
		// push service and the browser.
		return p.pushLater(ctx, notice, s, errors.New("portal: a push service could not be reached"))
	case status == http.StatusTooManyRequests || status >= 500:
		return p.pushLater(ctx, notice, s, fmt.Errorf("portal: a push service answered %d", status))
	case status == http.StatusNotFound || status == http.StatusGone: // RFC 8030, section 7.3
		p.push.pauses.worked(s.Endpoint)
		return p.store.DropPush(ctx, p.who(s.Person), s.Endpoint, p.at())
	case status >= 300:
		p.log.Warn("a push service refused", "status", status)
	}
	p.push.pauses.worked(s.Endpoint)
	return nil
}

// pushLater takes back what was not taken, and leaves the address alone for a while.
func (p *Portal) pushLater(ctx context.Context, notice string, s PushSubscription, why error) error {
	ctx = context.WithoutCancel(ctx) // also when the portal stops in the middle of it
	if p.push.pauses.failed(s.Endpoint, p.at()) {
		return errors.Join(why, p.store.DropPush(ctx, p.who(s.Person), s.Endpoint, p.at()))
	}
	return errors.Join(why, p.store.DropPushed(ctx, notice, s.Endpoint))
}

func (s *pushSender) send(ctx context.Context, n PushSubscription, origin string) (status int, err error) {
	if err := s.check(n); err != nil { // also of what was stored under other rules
		return http.StatusGone, nil
	}
	contact := origin
	if !strings.HasPrefix(origin, "https:") { // RFC 8292, section 2.1: mailto or https
		contact = "operator@localhost"
	}
	resp, err := webpush.SendNotificationWithContext(ctx, []byte(pushText),
		&webpush.Subscription{Endpoint: n.Endpoint, Keys: webpush.Keys{Auth: n.Auth, P256dh: n.P256dh}},
		&webpush.Options{HTTPClient: s.client, Subscriber: contact, TTL: pushTTL, Urgency: webpush.UrgencyHigh,
			VAPIDPublicKey: s.public, VAPIDPrivateKey: s.private})
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, nil
}
