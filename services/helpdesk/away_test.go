package helpdesk_test

import (
	"context"
	"testing"

	"tegata/services/helpdesk"
)

// An agent whose browser goes away has stopped the phone all the same, and the case says so.
func TestAPhoneIsStoppedThoughTheAgentGoesAway(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		v := o.seen()
		o.answer["/v1/suspensions"] = map[string]string{"state": "held"}
		for name, stop := range map[string]func(context.Context) (string, error){
			"for a caller": func(ctx context.Context) (string, error) { return o.desk.Call(ctx, "A-01", facts) },
			"from a view":  func(ctx context.Context) (string, error) { return o.desk.SuspendSeen(ctx, "A-01", v.Support) },
		} {
			ctx, cancel := context.WithCancel(t.Context())
			o.before = cancel
			number, err := stop(ctx)
			if err != nil || ctx.Err() == nil {
				t.Errorf("%s: %v, the browser: %v", name, err, ctx.Err())
			}
			if c, err := o.desk.CaseOf(t.Context(), number); err != nil || c.Last().What != helpdesk.Suspended {
				t.Errorf("%s: the case is %+v, %v", name, c, err)
			}
			cancel()
		}
	})
}
