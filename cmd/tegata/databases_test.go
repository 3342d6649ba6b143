package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// databases are one PostgreSQL database a party, on the server that PGTEST names:
// prepared ones, and copies to work on.
type databases struct {
	server *url.URL
	name   string
	admin  *sql.DB
}

// newDatabases makes empty ones and drops them all when the test ends.
func newDatabases(t *testing.T) *databases {
	t.Helper()
	server, err := url.Parse(os.Getenv("PGTEST"))
	if err != nil {
		t.Fatal("PGTEST is not a URL") // not repeated: it may hold a password
	}
	d := &databases{server: server, name: "kill_" + strings.ToLower(rand.Text()[:8])}
	if d.admin, err = sql.Open("pgx", server.String()); err != nil {
		t.Fatal(err)
	}
	for _, role := range withTables {
		if _, err := d.admin.Exec("CREATE DATABASE " + d.called("prepared", role)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, role := range withTables {
			for _, which := range []string{"prepared", "work"} {
				if _, err := d.admin.Exec("DROP DATABASE IF EXISTS " + d.called(which, role) + " WITH (FORCE)"); err != nil {
					t.Error(err)
				}
			}
		}
		d.admin.Close()
	})
	return d
}

func (d *databases) called(which, role string) string { return d.name + "_" + which + "_" + role }

func (d *databases) dsn(which, role string) string {
	u := *d.server
	u.Path = "/" + d.called(which, role)
	return u.String()
}

// prepared is for build.database; nil for SQLite.
func (d *databases) prepared() func(role string) string {
	if d == nil {
		return nil
	}
	return func(role string) string { return d.dsn("prepared", role) }
}

// working names the copies; nil for SQLite.
func (d *databases) working() map[string]string {
	if d == nil {
		return nil
	}
	all := map[string]string{}
	for _, role := range withTables {
		all[role] = d.dsn("work", role)
	}
	return all
}

// renew makes the copies anew.
func (d *databases) renew(ctx context.Context) error {
	if d == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, role := range withTables {
		work := d.called("work", role)
		group.Go(func() error {
			if _, err := d.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+work+" WITH (FORCE)"); err != nil {
				return err
			}
			_, err := d.admin.ExecContext(ctx, "CREATE DATABASE "+work+" TEMPLATE "+d.called("prepared", role))
			return err
		})
	}
	return group.Wait()
}

// freeBase is the first base at or above from, in steps of 20, whose ports are
// all free: a neighbourhood's ports are inside its certificates and stay. The last
// of the 20 belongs to no role; held until release, it keeps another run of these
// tests on this machine away.
func freeBase(from int) (base string, release func(), err error) {
search:
	for base := from; base < from+1000; base += 20 { // below the ports that clients get
		mark, err := listen(base + 19)
		if err != nil {
			continue
		}
		for _, d := range doors() {
			l, err := listen(base + d.offset)
			if err != nil {
				mark.Close()
				continue search
			}
			l.Close()
		}
		return fmt.Sprintf("127.0.0.1:%d", base), func() { mark.Close() }, nil
	}
	return "", nil, fmt.Errorf("no free ports for a neighbourhood from %d on", from)
}

// freePorts is freeBase for one test.
func freePorts(t testing.TB, from int) string {
	t.Helper()
	base, release, err := freeBase(from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return base
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
