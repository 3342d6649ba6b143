package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"tegata/store"
	issuerstore "tegata/store/issuer"
)

// auditCheck recomputes the chain of every party's audit records, and compares what the
// issuer's tell with its ledger.
func auditCheck(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	dir := dataFlag(c, flags)
	config := flags.String("config", "", "check production's roles, as this configuration says")
	roles, err := parseRoles(flags, args)
	if err != nil {
		return err
	}
	var databases []namedDatabase
	switch {
	case *config != "":
		databases, err = productionDatabases(c, *config, roles)
	case len(roles) > 0:
		return usagef("%q: roles are named for production only, with -config FILE", roles[0])
	default:
		databases, err = sandboxDatabases(*dir)
	}
	if err != nil {
		return err
	}
	var refusal error
	for _, d := range databases {
		switch err := d.check(ctx); {
		case err == nil:
			fmt.Fprintf(c.out, "%s\tok\n", d.name)
		case errors.Is(err, store.ErrNoDatabase):
			return usagef("the database of %s is not there", d.name)
		default:
			refused := brokenOf(err)
			if refused == nil {
				return err
			}
			refusal = refused
			fmt.Fprintf(c.out, "%s\tbroken\t%v\n", d.name, err)
		}
	}
	return refusal
}

// brokenOf is what err says of a database that could be read; nil: it could not.
func brokenOf(err error) error {
	if _, ok := errors.AsType[*store.AuditBreak](err); ok {
		return errAuditBroken
	}
	if _, ok := errors.AsType[*issuerstore.LedgerBreak](err); ok {
		return errLedgerChanged
	}
	return nil
}

// namedDatabase is one party's.
type namedDatabase struct{ name, role, dsn string }

func sandboxDatabases(dir string) (list []namedDatabase, err error) {
	if _, err := openSettings(dir); err != nil {
		return nil, usagef("%s holds no sandbox: %v", dir, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.db"))
	for _, file := range files {
		list = append(list, namedDatabase{filepath.Base(file), filepath.Base(filepath.Dir(file)), "sqlite:" + file})
	}
	return list, err
}

func productionDatabases(c console, path string, roles []string) (list []namedDatabase, err error) {
	conf, err := openConfig(path)
	if err != nil {
		return nil, err
	}
	if err := conf.chosen(roles); err != nil {
		return nil, err
	}
	p, err := newProduction(standardBuild(c, false), conf)
	if err != nil {
		return nil, err
	}
	for _, role := range roles {
		list = append(list, namedDatabase{role, role, p.database(role)})
	}
	return list, nil
}

// check checks the chain, and after it what rests on it.
func (d namedDatabase) check(ctx context.Context) (err error) {
	db, err := store.Open(ctx, d.dsn, store.AsItIs())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.CheckAudit(ctx); err != nil || d.role != "issuer" {
		return err
	}
	return issuerstore.New(db).CheckLedger(ctx)
}
