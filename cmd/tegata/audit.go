package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"tegata/store"
)

// auditCheck recomputes the chain of every party's audit records.
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
	broken := false
	for _, d := range databases {
		switch err := checkOne(ctx, d.dsn); {
		case err == nil:
			fmt.Fprintf(c.out, "%s\tok\n", d.name)
		case errors.Is(err, store.ErrNoDatabase):
			return usagef("the database of %s is not there", d.name)
		default:
			brk, ok := errors.AsType[*store.AuditBreak](err)
			if !ok {
				return err
			}
			broken = true
			fmt.Fprintf(c.out, "%s\tbroken\t%v\n", d.name, brk)
		}
	}
	if broken {
		return errAuditBroken
	}
	return nil
}

// namedDatabase is one party's.
type namedDatabase struct{ name, dsn string }

func sandboxDatabases(dir string) (list []namedDatabase, err error) {
	if _, err := openSettings(dir); err != nil {
		return nil, usagef("%s holds no sandbox: %v", dir, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.db"))
	for _, file := range files {
		list = append(list, namedDatabase{filepath.Base(file), "sqlite:" + file})
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
		list = append(list, namedDatabase{role, p.database(role)})
	}
	return list, nil
}

func checkOne(ctx context.Context, dsn string) error {
	db, err := store.Open(ctx, dsn, store.AsItIs())
	if err != nil {
		return err
	}
	return errors.Join(db.CheckAudit(ctx), db.Close())
}
