package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"diskette/resp/admin"
	"diskette/store"
)

// errOpenAdmin ends a start that would show everything to everybody.
var errOpenAdmin = errors.New("admin can be reached from other machines, and the default user has no password: set one with " +
	"requirepass or an aclfile, or begin the address with 127.0.0.1")

// listenForAdmin opens the address of admin; nil = there is none.
func (p *process) listenForAdmin() (net.Listener, error) {
	address := p.cfg.Text("admin")
	if address == "" {
		return nil, nil
	}
	if !p.cfg.AdminIsLocal() && !p.server.NeedsPassword() {
		return nil, errOpenAdmin
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	return ln, nil
}

// serveAdmin answers those who come there.
func (p *process) serveAdmin(ln net.Listener) {
	p.admin = admin.New(admin.Backend{
		Connect:       p.server.Connect,
		ConnectAs:     p.server.ConnectAs,
		ConnectOwn:    p.server.ConnectOwn,
		NeedsPassword: p.server.NeedsPassword,
		Ready:         p.server.Ready,
		Keep:          p.server.Keep,
		Kept:          p.server.Kept,
		Copy: func(ctx context.Context) (admin.File, error) {
			c, err := p.server.CopyDatabase(ctx)
			if err != nil { // a nil *resp.Copy is no nil admin.File
				return nil, err
			}
			return c, nil
		},
		NoteBackup: func(kind string, at time.Time, bytes int64) {
			p.server.NoteBackup(store.LastBackup{Time: at, Kind: kind, By: "page", Bytes: bytes})
		},
		TLS:      p.server.AdminTLS(),
		Expiring: p.server.ExpiringNext,
		Elements: func(db int, key string, behind admin.Place, most int) ([]admin.Element, admin.Place, bool, error) {
			found, next, there, err := p.server.Elements(db, key, store.LeafPlace(behind), most)
			elements := make([]admin.Element, len(found))
			for i, e := range found {
				elements[i] = admin.Element(e)
			}
			return elements, admin.Place(next), there, err
		},
		Holds: func(ctx context.Context) ([]admin.Holds, error) {
			watched, err := p.server.WatchHolds(ctx)
			holds := make([]admin.Holds, len(watched))
			for i, h := range watched {
				holds[i] = admin.Holds(h)
			}
			return holds, err
		},
		Log: func(what string, err error) { p.log.Warn().Err(err).Msg(what) },
	})
	go func() {
		if err := p.admin.Serve(ln); err != nil {
			p.log.Error().Err(err).Stringer("address", ln.Addr()).Msg("the admin page is gone: listening ended")
		}
	}()
	p.log.Info().Stringer("address", ln.Addr()).Msg("the admin page is there")
}
