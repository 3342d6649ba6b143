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
}

func newPushSender(c PushConfig) (*pushSender, error) {
	key, err := ecdh.P256().NewPrivateKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("portal: configuration: push key: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString
	return &pushSender{text(key.Bytes()), text(key.PublicKey().Bytes()), c.Loopback, httpd.Client(10 * time.Second)}, nil
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
// are problems: ErrNotLoggedIn, ErrPushService, ErrPushLimit, ErrNoTrust, the issuer's.
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
		return ErrNoTrust
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
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := p.PushDue(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("browsers could not be told of notices", "error", err)
		}
	}
}

// PushDue tells each browser of each notice of the last hour once. It is one more way
// to learn of a notice, and never the only one: what a push service does not take now
// is tried again while the hour lasts, and then left to the second channel.
func (p *Portal) PushDue(ctx context.Context) error {
	at := p.at()
	if any, err := p.store.AnyPush(ctx); err != nil || !any {
		return err
	}
	header, err := p.bearer(p.config.Issuer, "")
	if err != nil {
		return err
	}
	var told struct {
		Notices []struct {
			ID     string `json:"id"`
			Holder string `json:"holder"`
		} `json:"notices"`
	}
	since := strconv.FormatInt(at.Add(-pushBack).UnixMilli(), 10)
	if err := httpd.GetJSON(ctx, p.client, p.config.Issuer+"/v1/noticed?since="+since, &told, header); err != nil {
		return err
	}
	for _, n := range told.Notices {
		// Written down before it is sent: two processes do not tell the same twice.
		first, err := p.store.TakePushed(ctx, n.ID, at)
		if err != nil {
			return err
		}
		if !first {
			continue
		}
		if err := p.pushTo(ctx, n.Holder); err != nil {
			return errors.Join(err, p.store.DropPushed(ctx, n.ID))
		}
	}
	return nil
}

// pushTo tells all browsers of one person. A browser that is gone is forgotten.
func (p *Portal) pushTo(ctx context.Context, holder string) error {
	list, err := p.store.PushesOf(ctx, holder)
	if err != nil {
		return err
	}
	var later error
	for _, s := range list {
		switch status, err := p.push.send(ctx, s, p.config.Origin); {
		case err != nil:
			later = errors.New("portal: a push service could not be reached") // an endpoint is a secret between it and the browser
		case status == http.StatusNotFound || status == http.StatusGone: // RFC 8030, section 7.3
			if err := p.store.DropPush(ctx, p.who(s.Person), s.Endpoint, p.at()); err != nil {
				return err
			}
		case status == http.StatusTooManyRequests || status >= 500:
			later = fmt.Errorf("portal: a push service answered %d", status)
		case status >= 300:
			p.log.Warn("a push service refused", "status", status)
		}
	}
	return later
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
