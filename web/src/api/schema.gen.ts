// Generated from engine/server/openapi.json by `npm run gen`; edits are lost.

export interface paths {
    "/api/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists events after a revision. */
        get: operations["listEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/operations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows an operation and how far it has come. */
        get: operations["showOperation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/operations/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Asks an operation to end at its next step.
         * @description An action beside the operation, as google.longrunning's `:cancel`, GitHub's runs and this API's own workflow
         *     runs have it: with `DELETE` a client would ask that the record go, which stays.
         */
        post: operations["cancelOperation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pellets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists Pellets, newest first. */
        get: operations["listPellets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pellets/{digest}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows a Pellet. */
        get: operations["showPellet"];
        put?: never;
        post?: never;
        /** Removes a Pellet from the store. */
        delete: operations["deletePellet"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pellets/{digest}/diff/{other}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells what differs between two Pellets. */
        get: operations["diffPellets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pellets/{digest}/entries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the entries of a Pellet. */
        get: operations["listPelletEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pellets/{digest}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Brings a Pellet back. */
        post: operations["restorePellet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pellets/{digest}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Compares a Pellet with its digests. */
        post: operations["verifyPellet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pellets/compress": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Packs a directory into a Pellet. */
        post: operations["compressPellet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pellets/gc": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Removes Pellets by age, count and size. */
        post: operations["collectPellets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/perch/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Asks Perch for what the page shows.
         * @description `traces`, `traces/{id}`, `services`, `services/{service}/operations`, `operations`, `logs`, `slo`, `slo/{id}` and
         *     `ledger` are open; query, status and body are Perch's own.
         */
        get: operations["askPerch"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/telemetry/v1/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes the page's log records as OTLP/JSON. */
        post: operations["relayLogs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/telemetry/v1/traces": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes the page's spans as OTLP/JSON. */
        post: operations["relayTraces"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ws-tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Issues a one-use ticket for `/ws`. */
        post: operations["createWsTicket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says that the process answers. */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All metrics in Prometheus' text format; without a token while the listener is on loopback. */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says whether requests can be served. */
        get: operations["readiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Names the program and its version. */
        get: operations["version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ws": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Opens a stream of events and progress as JSON text frames, each an `Event`.
         * @description The client offers `Sec-WebSocket-Protocol: nestr.v1, ticket.TICKET` with a ticket of `POST /api/ws-tickets`.
         *     Close codes: 1001 the Engine stops; 4408 the client did not read; 4409 `since` is ahead of the log, start again from 0.
         */
        get: operations["watchEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Each condition of readiness. */
        Checks: {
            /** @description The database answers. */
            database: boolean;
            /** @description The server is not stopping. */
            running: boolean;
        };
        /**
         * @description The stable code of a problem; its slug ends the `type` URI.
         * @enum {string}
         */
        Code: "path-outside-roots" | "path-not-found" | "path-vanished" | "path-changed" | "permission-denied" | "no-space" | "unauthenticated" | "bad-request" | "not-found" | "method-not-allowed" | "too-large" | "conflict" | "rate-limited" | "perch-absent" | "interrupted" | "internal" | "misdirected-host" | "unsupported-media-type" | "timed-out" | "verification-failed" | "cancelled";
        /** @description What to pack. */
        CompressRequest: {
            /** @description Digest of a Pellet of the store: only what differs from it is packed, and the new one needs it. */
            delta_of?: string | null;
            /** @description Name of the Pellet; the directory's own name without it. */
            name?: string | null;
            /** @description Absolute path of a directory beneath one of the Engine's roots. */
            path: string;
            /** @description How to pack. */
            profile?: components["schemas"]["PackProfile"];
        };
        /** @description An entry that two Pellets have, but not the same. */
        DifferingEntry: {
            /** @description Relative to the root. */
            path: string | {
                /** @description The bytes of a path that is not UTF-8. */
                hex: string;
            };
            /**
             * Format: int64
             * @description Bytes of a file in the second.
             */
            size_after?: number;
            /**
             * Format: int64
             * @description Bytes of a file in the first.
             */
            size_before?: number;
            /** @description In what: `type`, `mode`, `content`, `target`, `attributes`. */
            what: string[];
        };
        /** @description A page of entries. */
        EntryPage: {
            /** @description In the order of the archive. */
            items: components["schemas"]["PelletEntry"][];
            /**
             * Format: int64
             * @description The `cursor` of the next page, where there is one.
             */
            next_cursor?: number;
        };
        /** @description A recorded fact, as in `GET /api/events` and in the text frames of `/ws`. */
        Event: {
            /** @description Who caused it. */
            actor: string;
            /** @description The rest, shaped by the type. */
            data: Record<string, never>;
            id: string;
            /**
             * Format: int64
             * @description Place in the log, gap-free from 1; a `progress` frame carries the last one.
             */
            rev: number;
            /** @description What it happened to, such as `pellets/DIGEST` or `operations/ID`. */
            subject: string;
            /** Format: date-time */
            time: string;
            /** @description W3C trace context of the operation that caused it. */
            traceparent?: string | null;
            /** @description Short name, such as pellet:compressed; progress is not stored and never replayed. */
            type: string;
        };
        /** @description A page of events. */
        EventPage: {
            /** @description In order of their revisions. */
            items: components["schemas"]["Event"][];
            /**
             * Format: int64
             * @description Where to go on: the `since` of the next request.
             */
            rev: number;
        };
        /** @description A Pellet that went, or would go. */
        GcRemoved: {
            /** Format: int64 */
            bytes: number;
            digest: string;
            /** @description `age`, `count` or `size`. */
            why: string;
        };
        /** @description What went, or would go. */
        GcReply: {
            /**
             * Format: int64
             * @description Bytes of those.
             */
            bytes_kept: number;
            /**
             * Format: int64
             * @description Bytes of these.
             */
            bytes_removed: number;
            /** @description Whether nothing was removed. */
            dry_run: boolean;
            /**
             * Format: int64
             * @description How many Pellets stay.
             */
            n_kept: number;
            /**
             * Format: int64
             * @description How many of them stay only because a delta needs them, whatever the limits say.
             */
            n_needed: number;
            /** @description Newest first. */
            removed: components["schemas"]["GcRemoved"][];
        };
        /** @description What may stay in the store; at least one limit. */
        GcRequest: {
            /** @description Whether to say what would go and remove nothing. */
            dry_run?: boolean;
            /**
             * Format: int64
             * @description Pellets that were packed longer ago go.
             */
            max_age_seconds?: number | null;
            /**
             * Format: int64
             * @description Of what is left, the newest stay as long as their archives fit.
             */
            max_bytes?: number | null;
            /**
             * Format: int64
             * @description Of what is left, the newest so many stay.
             */
            max_count?: number | null;
        };
        /** @description An entry that only one of two Pellets has. */
        OneSidedEntry: {
            /** @description Relative to the root. */
            path: string | {
                /** @description The bytes of a path that is not UTF-8. */
                hex: string;
            };
            /**
             * Format: int64
             * @description Bytes of a file.
             */
            size?: number;
            /** @description `file`, `directory`, `symlink` or `hardlink`. */
            type: string;
        };
        /** @description A long operation. */
        Operation: {
            /** @description Whether it runs and was asked to end. */
            cancelling?: boolean;
            /** @description Where `state` is `failed`. */
            error?: components["schemas"]["Problem"];
            finished_at?: components["schemas"]["Stamp"];
            id: components["schemas"]["OperationId"];
            kind: components["schemas"]["OperationKind"];
            /** @description What it does now, or did last. */
            phase: components["schemas"]["Step"];
            progress: components["schemas"]["Progress"];
            /** @description Where `state` is `succeeded`. */
            result?: components["schemas"]["OperationResult"];
            started_at: components["schemas"]["Stamp"];
            state: components["schemas"]["OperationState"];
            /** @description The trace of the request that began it and of all it did. */
            trace_id: string;
        };
        /** @description The id of an operation: 32 hexadecimal digits. */
        OperationId: string;
        /**
         * @description What an operation does; its word is the name of its span.
         * @enum {string}
         */
        OperationKind: "pellet.compress" | "pellet.restore" | "pellet.verify" | "pellet.gc";
        /** @description What an operation made. */
        OperationResult: {
            /**
             * Format: int64
             * @description Bytes of these.
             */
            bytes_removed?: number;
            /** @description The Pellet's digest, where the operation is about one. */
            digest?: string;
            /**
             * Format: int64
             * @description How many Pellets a collection removed.
             */
            n_removed?: number;
        };
        /**
         * @description Whether an operation runs or how it ended.
         * @enum {string}
         */
        OperationState: "running" | "succeeded" | "failed";
        /**
         * @description How a tree is packed.
         * @enum {string}
         */
        PackProfile: "seekable" | "dense";
        /** @description A packed tree. */
        Pellet: {
            /**
             * Format: int64
             * @description Bytes of file content.
             */
            bytes_in: number;
            /**
             * Format: int64
             * @description Bytes of the archive.
             */
            bytes_out: number;
            /** @description When these bytes were packed first. */
            created_at: components["schemas"]["Stamp"];
            /** @description BLAKE3 of the archive, 64 hexadecimal digits; its identity. */
            digest: string;
            /**
             * Format: int64
             * @description How long the latest packing that gave these bytes took.
             */
            duration_ms: number;
            /** Format: int64 */
            entries: number;
            name: string;
            origin: components["schemas"]["PelletOrigin"];
            profile: string;
            /**
             * Format: double
             * @description `bytes_in` over `bytes_out`.
             */
            ratio: number;
            /** @description Trace of the latest packing that gave these bytes. */
            trace_id: string;
            /** @description BLAKE3 of the tree's content; equal trees have equal ones. */
            tree: string;
        };
        /** @description What differs between two Pellets; the lists are in the order of the archives. */
        PelletDifference: {
            /** @description Entries of the second alone. */
            added: components["schemas"]["OneSidedEntry"][];
            /** @description Entries of both that differ. */
            changed: components["schemas"]["DifferingEntry"][];
            /** @description Whether the trees are equal; times and origin aside. */
            equal: boolean;
            /**
             * Format: int64
             * @description How many were added, told or not.
             */
            n_added: number;
            /**
             * Format: int64
             * @description How many were changed, told or not.
             */
            n_changed: number;
            /**
             * Format: int64
             * @description How many were removed, told or not.
             */
            n_removed: number;
            /**
             * Format: int64
             * @description How many are the same.
             */
            n_unchanged: number;
            /** @description Entries of the first alone. */
            removed: components["schemas"]["OneSidedEntry"][];
            /** @description Whether a list is shorter than its count, because of `limit`. */
            truncated: boolean;
        };
        /** @description An entry of a Pellet. */
        PelletEntry: {
            /** @description BLAKE3 of a file's content. */
            blake3?: string;
            /** @description Four octal digits. */
            mode: string;
            /** @description Relative to the root; bytes that are not UTF-8 are replaced. */
            path: string;
            /**
             * Format: int64
             * @description Bytes of a file.
             */
            size?: number;
            /** @description Where a link leads. */
            target?: string;
            /** @description `file`, `directory`, `symlink` or `hardlink`. */
            type: string;
        };
        /** @description Where a Pellet came from. */
        PelletOrigin: {
            /** @description Path of the tree when it was packed first. */
            path: string;
        };
        /** @description A page of Pellets. */
        PelletPage: {
            /** @description Newest first. */
            items: components["schemas"]["Pellet"][];
            /** @description The `cursor` of the next page, where there is one. */
            next_cursor?: string;
        };
        /** @description A problem as clients see it. */
        Problem: {
            /** @description Stable code for programs. */
            code: components["schemas"]["Code"];
            /** @description What happened, to what, and why. */
            detail: string;
            /** @description What to do about it. */
            hint?: string;
            /** @description The request or operation in which it happened. */
            instance?: string;
            /** @description Stable code of what exactly is wrong, where `code` covers several things. */
            reason?: string;
            /**
             * Format: int32
             * @description HTTP status code.
             */
            status: number;
            /** @description The kind of problem in a few words; the same for every occurrence. */
            title: string;
            /** @description Trace in which it happened, 32 hexadecimal digits. */
            trace_id?: string;
            /** @description URI that names the kind of problem. */
            type: string;
        };
        /** @description Counts so far and in all; totals are 0 until the tree is walked. */
        Progress: {
            /** Format: int64 */
            bytes_done: number;
            /** Format: int64 */
            bytes_total: number;
            /** Format: int64 */
            entries_done: number;
            /** Format: int64 */
            entries_total: number;
        };
        /** @description Whether requests can be served. */
        Readiness: {
            checks: components["schemas"]["Checks"];
            ready: boolean;
        };
        /** @description Where to bring a Pellet back to. */
        RestoreRequest: {
            /** @description Only this entry of the Pellet and what is below it. */
            only?: string | null;
            /** @description Whether what stands at the target may be replaced, in one step. */
            replace?: boolean;
            /** @description Whether an attribute that the file system does not take ends the restore. */
            strict?: boolean;
            /** @description Whether to wait until the tree is durable before it gets its name. */
            sync?: boolean;
            /** @description Absolute path of the tree, in a folder beneath one of the Engine's roots. */
            target: string;
            /** @description Public ed25519 keys, 64 hexadecimal digits each, of which one must have signed the Pellet. */
            trusted_keys?: string[];
            /** @description Whether to run the tools of the tree as proof that it works; the configuration must allow it. */
            verify_build?: boolean;
        };
        /**
         * Format: date-time
         * @description A moment, `2026-01-31T12:00:00.123Z`.
         */
        Stamp: string;
        /**
         * @description What a running operation does.
         * @enum {string}
         */
        Step: "queued" | "walk" | "pack" | "seal" | "check" | "extract" | "place" | "verify" | "collect" | "record";
        /** @description What runs here. */
        Version: {
            name: string;
            version: string;
        };
        /** @description A ticket that opens one WebSocket. */
        WsTicket: {
            /** @description When it becomes void if not used. */
            expires_at: components["schemas"]["Stamp"];
            /** @description Goes into `Sec-WebSocket-Protocol: nestr.v1, ticket.TICKET`. */
            ticket: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listEvents: {
        parameters: {
            query?: {
                /** @description At most this many, 1 to 1000. */
                limit?: number;
                /** @description Events after this revision; 0 or nothing for all. */
                since?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events in order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    showOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The operation's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The operation's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was cancelled before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description It was asked to end; as `failed` with `cancelled`, unless it is past its last step */
            202: {
                headers: {
                    /** @description Where its end can be asked for */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description It ended otherwise before */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPellets: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description At most this many, 1 to 200. */
                limit?: number;
                /** @description Only Pellets of this tree digest. */
                tree?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of Pellets */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PelletPage"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    showPellet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 64 hexadecimal digits */
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The Pellet */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pellet"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deletePellet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 64 hexadecimal digits */
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    diffPellets: {
        parameters: {
            query?: {
                /** @description At most this many entries of each list, 1 to 5000. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description 64 hexadecimal digits; the Pellet before */
                digest: string;
                /** @description 64 hexadecimal digits; the Pellet after */
                other: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was added, removed and changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PelletDifference"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPelletEntries: {
        parameters: {
            query?: {
                /** @description Only what lies below this directory. */
                below?: string;
                /** @description `next_cursor` of the page before. */
                cursor?: number;
                /** @description At most this many, 1 to 5000. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description 64 hexadecimal digits */
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of entries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EntryPage"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    restorePellet: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 visible characters */
                "Idempotency-Key"?: string | null;
            };
            path: {
                /** @description 64 hexadecimal digits */
                digest: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RestoreRequest"];
            };
        };
        responses: {
            /** @description Restoring has begun */
            202: {
                headers: {
                    /** @description Where the operation can be asked for */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    verifyPellet: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 visible characters */
                "Idempotency-Key"?: string | null;
            };
            path: {
                /** @description 64 hexadecimal digits */
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Verifying has begun; with findings it ends as `verification-failed` */
            202: {
                headers: {
                    /** @description Where the operation can be asked for */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    compressPellet: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 visible characters; the same key with the same body gives the same operation for a day */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CompressRequest"];
            };
        };
        responses: {
            /** @description Packing has begun */
            202: {
                headers: {
                    /** @description Where the operation can be asked for */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    collectPellets: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 visible characters */
                "Idempotency-Key"?: string | null;
                /** @description `respond-async`: reply at once with the operation, which can be looked at and cancelled */
                Prefer?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GcRequest"];
            };
        };
        responses: {
            /** @description What went, or would go */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GcReply"];
                };
            };
            /** @description Collecting has begun, where `respond-async` is preferred or the key is known */
            202: {
                headers: {
                    /** @description Where the operation can be asked for */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    askPerch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Path below Perch's /api/ */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Perch's answer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    relayLogs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description An OTLP ExportLogsServiceRequest as JSON, up to 1 MiB */
        requestBody: {
            content: {
                "application/json": unknown;
            };
        };
        responses: {
            /** @description The collector's ExportLogsServiceResponse */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    relayTraces: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description An OTLP ExportTraceServiceRequest as JSON, up to 1 MiB */
        requestBody: {
            content: {
                "application/json": unknown;
            };
        };
        responses: {
            /** @description The collector's ExportTraceServiceResponse */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createWsTicket: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A ticket, valid once and for 30 s */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WsTicket"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process answers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Text format 0.0.4 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description Not ready */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    version: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Name and version */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Version"];
                };
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    watchEvents: {
        parameters: {
            query?: {
                /** @description Events after this revision are sent first; without it only coming ones are. */
                since?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stream is open */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
