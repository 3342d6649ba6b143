package portal_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/services/portal"
)

// pushService is a browser's push service: it takes what it is given.
type pushService struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*http.Request
	bodies [][]byte
	status int
}

func newPushService(t *testing.T) *pushService {
	s := &pushService{status: http.StatusCreated}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got, s.bodies = append(s.got, r), append(s.bodies, body)
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *pushService) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

func (s *pushService) answers(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// browserKeys are what a browser makes for one subscription.
func browserKeys(t *testing.T) (p256dh, auth string) {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()), base64.RawURLEncoding.EncodeToString([]byte("sixteen bytes ok"))
}

func TestABrowserIsToldOfEachNoticeOnceAndOfNothingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, service := t.Context(), newPushService(t)
		session := w.loggedIn(t, ceremony.NewID())
		p256dh, auth := browserKeys(t)
		endpoint := service.URL + "/secret-capability"
		for name, bad := range map[string][3]string{
			"another host":      {"https://evil.example/x", p256dh, auth},
			"a like name":       {"https://evilfcm.googleapis.com/x", p256dh, auth},
			"another port":      {"https://fcm.googleapis.com:8443/x", p256dh, auth},
			"not TLS":           {"http://fcm.googleapis.com/x", p256dh, auth},
			"the inner network": {"http://10.0.0.1/x", p256dh, auth},
			"a login":           {"https://a:b@fcm.googleapis.com/x", p256dh, auth},
			"no key":            {endpoint, "AAAA", auth},
			"no secret":         {endpoint, p256dh, "AAAA"},
		} {
			if err := w.SubscribePush(ctx, session, bad[0], bad[1], bad[2]); !errors.Is(err, portal.ErrPushService) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := w.SubscribePush(ctx, "", endpoint, p256dh, auth); !errors.Is(err, portal.ErrNotLoggedIn) {
			t.Errorf("without a login: %v", err)
		}
		if err := w.SubscribePush(ctx, session, endpoint, p256dh, auth); err != nil {
			t.Fatal(err)
		}
		if n, err := w.PushCount(ctx, session); err != nil || n != 1 || !w.watched {
			t.Fatalf("%d browsers, watched %t, %v", n, w.watched, err)
		}
		round := func() {
			t.Helper()
			if err := w.PushDue(ctx); err != nil {
				t.Fatal(err)
			}
		}
		round()
		if service.count() != 0 {
			t.Errorf("told of nothing %d times", service.count())
		}
		w.noted = []string{"notice-1"}
		round()
		round()
		if service.count() != 1 {
			t.Fatalf("told %d times of one notice", service.count())
		}
		r := service.got[0]
		if r.Method != http.MethodPost || r.URL.Path != "/secret-capability" || r.Header.Get("Content-Encoding") != "aes128gcm" || r.Header.Get("TTL") != "86400" ||
			!strings.HasPrefix(r.Header.Get("Authorization"), "vapid t=") || !strings.Contains(r.Header.Get("Authorization"), "k="+w.PushKey()) {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		for _, personal := range []string{"花子", "notice-1", "person-1", "pairwise"} {
			if bytes.Contains(service.bodies[0], []byte(personal)) || strings.Contains(strings.Join(r.Header.Values("Authorization"), ""), personal) {
				t.Errorf("%q was sent", personal)
			}
		}
		// What is not taken is tried again; what is gone is forgotten.
		service.answers(http.StatusServiceUnavailable)
		w.noted = append(w.noted, "n2")
		if err := w.PushDue(ctx); err == nil || strings.Contains(err.Error(), "secret-capability") {
			t.Errorf("got %v", err)
		}
		service.answers(http.StatusCreated)
		w.now = w.now.Add(time.Minute)
		round()
		if service.count() != 3 {
			t.Errorf("told %d times", service.count())
		}
		service.answers(http.StatusGone)
		w.noted = append(w.noted, "n3")
		round()
		if n, err := w.PushCount(ctx, session); err != nil || n != 0 {
			t.Errorf("%d browsers are left, %v", n, err)
		}
		// Ended by the person, nobody is told, and the issuer is asked no longer.
		service.answers(http.StatusCreated)
		if err := w.SubscribePush(ctx, session, endpoint, p256dh, auth); err != nil {
			t.Fatal(err)
		}
		if err := w.UnsubscribePush(ctx, session); err != nil || w.watched {
			t.Fatalf("watched %t, %v", w.watched, err)
		}
		before := service.count()
		w.noted = append(w.noted, "n4")
		round()
		if service.count() != before {
			t.Error("told after the end")
		}
		for i := range 6 {
			err := w.SubscribePush(ctx, session, endpoint+string(rune('a'+i)), p256dh, auth)
			if (i < 5) != (err == nil) || i == 5 && !errors.Is(err, portal.ErrPushLimit) {
				t.Errorf("browser %d: %v", i+1, err)
			}
		}
	})
}

// The two processes of one portal tell a notice once between them.
func TestTwoProcessesTellANoticeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		service := newPushService(t)
		session := w.loggedIn(t, ceremony.NewID())
		p256dh, auth := browserKeys(t)
		if err := w.SubscribePush(t.Context(), session, service.URL+"/a", p256dh, auth); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			w.noted = append(w.noted, "n"+string(rune('a'+i)))
		}
		var done sync.WaitGroup
		for range 4 {
			done.Go(func() {
				if err := w.PushDue(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		if service.count() != 20 {
			t.Errorf("20 notices were told %d times", service.count())
		}
		w.now = w.now.Add(time.Minute)
	})
}

// An address that nobody answers at keeps no other browser from its notices, is asked
// ever more seldom, and is forgotten in the end.
func TestABrokenAddressSilencesNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, good, broken := t.Context(), newPushService(t), httptest.NewServer(nil)
		broken.Close() // whoever calls it gets no answer
		session := w.loggedIn(t, ceremony.NewID())
		p256dh, auth := browserKeys(t)
		for _, endpoint := range []string{broken.URL + "/a", good.URL + "/b"} { // the broken one is told first
			if err := w.SubscribePush(ctx, session, endpoint, p256dh, auth); err != nil {
				t.Fatal(err)
			}
		}
		w.noted = []string{"n1", "n2", "n3"}
		if err := w.PushDue(ctx); err == nil || strings.Contains(err.Error(), "127.0.0.1") || strings.Count(err.Error(), "reached") != 1 {
			t.Errorf("got %v: want one failure, as the address rests after it", err)
		}
		for range 10 { // the same moment: nothing is new, and the broken one rests
			if err := w.PushDue(ctx); err != nil {
				t.Error(err)
			}
		}
		if good.count() != 3 {
			t.Fatalf("three notices were told %d times", good.count())
		}
		tries := 1
		for range 40 * 60 / 2 { // every two seconds, as RunPush does
			w.now = w.now.Add(2 * time.Second)
			if err := w.PushDue(ctx); err != nil {
				tries++
			}
		}
		if good.count() != 3 || tries < 5 || tries > 12 {
			t.Errorf("after 40 minutes the good one was told %d times, the broken one tried %d times", good.count(), tries)
		}
		if n, err := w.PushCount(ctx, session); err != nil || n != 2 {
			t.Errorf("%d browsers are left after 40 minutes, %v", n, err)
		}
		for i := range 24 * 6 {
			w.noted = append(w.noted, "later"+strconv.Itoa(i))
			w.now = w.now.Add(10 * time.Minute)
			w.PushDue(ctx)
		}
		if n, err := w.PushCount(ctx, w.loggedIn(t, ceremony.NewID())); err != nil || n != 1 {
			t.Errorf("%d browsers are left after a day, %v", n, err)
		}
		w.noted = append(w.noted, "last")
		if err := w.PushDue(ctx); err != nil || good.count() != 3+24*6+1 {
			t.Errorf("%v, told %d times", err, good.count())
		}
	})
}

// Who subscribes now is not told of what was before, and of one notice there may be
// one browser that knows and one that does not.
func TestABrowserIsToldOfWhatCameAfterIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, one, two := t.Context(), newPushService(t), newPushService(t)
		session := w.loggedIn(t, ceremony.NewID())
		p256dh, auth := browserKeys(t)
		subscribe := func(endpoint string) {
			t.Helper()
			if err := w.SubscribePush(ctx, session, endpoint, p256dh, auth); err != nil {
				t.Fatal(err)
			}
		}
		subscribe(one.URL + "/a")
		subscribe(two.URL + "/b")
		two.answers(http.StatusServiceUnavailable)
		w.noted = []string{"n1"}
		w.PushDue(ctx)
		two.answers(http.StatusCreated)
		w.now = w.now.Add(time.Minute)
		if err := w.PushDue(ctx); err != nil || one.count() != 1 || two.count() != 2 {
			t.Errorf("%v: told %d and %d times", err, one.count(), two.count())
		}
		three := newPushService(t)
		subscribe(three.URL + "/c")
		w.now = w.now.Add(time.Minute)
		if err := w.PushDue(ctx); err != nil || three.count() != 0 {
			t.Errorf("%v: told %d times of what was before", err, three.count())
		}
		w.noted = append(w.noted, "n2")
		if err := w.PushDue(ctx); err != nil || one.count() != 2 || two.count() != 3 || three.count() != 1 {
			t.Errorf("%v: told %d, %d and %d times", err, one.count(), two.count(), three.count())
		}
	})
}

// A login that brought no grant for notices is told so in words about notices.
func TestALoginFromBeforeCannotSetNotices(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		browser, _, err := w.Begin(ctx, ceremony.Same)
		if err != nil {
			t.Fatal(err)
		}
		w.result, w.code = passed(ceremony.Same), ceremony.NewID()
		delete(w.result.Grants, ceremony.ScopeNotices)
		session, err := w.Return(ctx, browser, w.code)
		if err != nil {
			t.Fatal(err)
		}
		p256dh, auth := browserKeys(t)
		if err := w.SubscribePush(ctx, session, newPushService(t).URL, p256dh, auth); !errors.Is(err, portal.ErrNoPush) {
			t.Errorf("set: %v", err)
		}
		if err := w.UnsubscribePush(ctx, session); !errors.Is(err, portal.ErrNoPush) {
			t.Errorf("ended: %v", err)
		}
	})
}
