# What people and CI do here. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps cargo demo build test fuzz endurance bench docs pictures figures clean

# To build, to run, and for the demonstration plant (RTSP server, PostgreSQL).
PACKAGES := pkg-config gcc libc6-dev \
	libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstrtspserver-1.0-dev \
	gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly \
	gstreamer1.0-libav tzdata postgresql poppler-utils

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 18

# Debian's postgresql package makes and starts a cluster of its own when it is first installed. Nothing here needs one,
# so that is switched off, unless PostgreSQL was there before.
deps: ## installs the system packages that are missing (Debian, Ubuntu)
	@if ! command -v dpkg-query >/dev/null; then \
	    echo "This is not a Debian system. Install what these packages hold: $(PACKAGES)"; exit 0; \
	fi; \
	have=$$(dpkg-query -W -f='$${db:Status-Status} $${Package}\n' 2>/dev/null | sed -n 's/^installed //p'); \
	missing=; \
	for p in $(PACKAGES); do grep -qx -- "$$p" <<<"$$have" || missing="$$missing $$p"; done; \
	case "$$missing" in *\ postgresql*) \
	    if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then missing=$${missing/ postgresql/}; fi;; \
	esac; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ]; then as=; \
	elif command -v sudo >/dev/null; then as=sudo; [ -t 0 ] || as='sudo -n'; \
	else echo "These packages are missing:$$missing"; \
	    echo "Install them as root: apt-get install --no-install-recommends$$missing"; exit 1; \
	fi; \
	echo "Installing:$$missing"; \
	case "$$missing" in *\ postgresql*) \
	    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then \
	        $$as mkdir -p /etc/postgresql-common; \
	        echo "create_main_cluster = false" | $$as tee /etc/postgresql-common/createcluster.conf >/dev/null; \
	    fi;; \
	esac; \
	$$as env DEBIAN_FRONTEND=noninteractive apt-get update -q; \
	$$as env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
	    -o Dpkg::Options::=--force-confold $$missing

cargo:
	@command -v cargo >/dev/null || { \
	    echo "Rust is missing: there is no cargo in PATH. Install it from https://rustup.rs and open a new shell."; exit 1; }

build: deps cargo ## builds target/release/vms
	cargo build --release --locked

demo: build ## runs the console on a site that it makes itself; options: make demo ARGS="--for 60s"
	@exec target/release/vms demo $(ARGS)

test: deps cargo ## everything that CI checks
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo build --release --locked
	@if cargo nextest --version >/dev/null 2>&1; then \
	    echo "VMS_BIN=target/release/vms cargo nextest run"; \
	    VMS_BIN="$(CURDIR)/target/release/vms" cargo nextest run --locked --no-fail-fast; \
	else \
	    echo "VMS_BIN=target/release/vms cargo test"; \
	    VMS_BIN="$(CURDIR)/target/release/vms" cargo test --locked --no-fail-fast --lib --bins --tests; \
	fi
	cargo test --locked --doc
	./target/release/vms demo --for 30s --headless </dev/null

fuzz: deps cargo ## hostile input to the measurement for a minute; VMS_FUZZ_S=seconds, VMS_FUZZ_FROM=first case
	VMS_FUZZ_S=$${VMS_FUZZ_S:-60} VMS_FUZZ_FROM=$${VMS_FUZZ_FROM:-1000} cargo test --locked --release --test fuzz -- --nocapture

endurance: deps cargo ## the journal against 200 kills and 30 power cuts (as root; two minutes)
	VMS_KILLS=$${VMS_KILLS:-200} VMS_POWER_CUTS=$${VMS_POWER_CUTS:-30} cargo test --locked --release --test journal_kill -- --nocapture --test-threads=1

bench: deps cargo ## measures speed
	cargo bench --locked

docs: deps cargo ## writes the generated documents and frames anew
	VMS_REGENERATE=1 INSTA_UPDATE=always cargo test --locked --lib --tests

pictures: build ## takes the documents' pictures anew, from the running demonstration
	VMS_BIN="$(CURDIR)/target/release/vms" VMS_PICTURES=1 cargo test --locked --test pictures

figures: build ## measures what docs/measurements.md tells (six minutes; leave the computer alone)
	VMS_BIN="$(CURDIR)/target/release/vms" cargo test --locked --test figures -- --ignored --nocapture --test-threads=1

clean: ## removes what was built
	cargo clean
