//! The rows: every key of `vms.toml`. A new key is one row here and one field in `sections`.

use super::keys::{Key, Kind, Need, Range};

use Kind::{
    Address, AddressList, Bool, Choice, Duration, Float, Id, Integer, NumberOr, Path, PathList, Rect, Secret, Size,
    Table, Tables, Text, TimeZone, Url,
};
use Need::{Default, Derived, Optional, Required};

const fn key(name: &'static str, kind: Kind, need: Need, doc: &'static str, example: &'static str) -> Key {
    Key { name, kind, need, doc, example }
}

const fn whole(min: i64, max: i64) -> Kind {
    Integer(Range { min, max })
}

const fn real(min: f64, max: f64) -> Kind {
    Float(Range { min, max })
}

const fn ms(min: u64, max: u64) -> Kind {
    Duration(Range { min, max })
}

const fn bytes(min: u64, max: u64) -> Kind {
    Size(Range { min, max })
}

const HOUR: u64 = 3_600_000;
const CENTURY: u64 = 100 * 8766 * HOUR;
const MIB: u64 = 1 << 20;
const PIB: u64 = 1 << 50;

/// Priorities, lowest first.
pub const PRIORITIES: &[&str] = &["low", "medium", "high", "critical"];

/// The top level.
pub const ROOT: &[Key] = &[
    key("site", Table(SITE), Default(""), "Who and where this node is.", ""),
    key("camera", Tables(CAMERA), Optional, "A camera and the regions it watches; once for each camera.", ""),
    key("plc", Tables(PLC), Optional, "A PLC on a serial line (Modbus RTU) and its tags; once for each PLC.", ""),
    key("journal", Table(JOURNAL), Default(""), "The local record: how long what is kept.", ""),
    key(
        "historian",
        Table(HISTORIAN),
        Optional,
        "PostgreSQL, where the history goes. Without this section the history stays in the local journal.",
        "",
    ),
    key("recording", Table(RECORDING), Default(""), "Video kept around events.", ""),
    key(
        "resources",
        Table(RESOURCES),
        Default(""),
        "Limits of the health indicators; beyond them an alarm is raised.",
        "",
    ),
    key("logs", Table(LOGS), Default(""), "The program's own log, and other log files to watch.", ""),
    key("mail", Table(MAIL), Optional, "Mail about alarms. Without this section nobody is mailed.", ""),
    key("backup", Table(BACKUP), Default(""), "Where backups go and how many are kept.", ""),
    key("maintenance", Table(MAINTENANCE), Default(""), "Maintenance tasks.", ""),
    key(
        "contact",
        Tables(CONTACT),
        Optional,
        "A person or office to call; once for each. They stand in the recovery handbook, in this order.",
        "",
    ),
    key("console", Table(CONSOLE), Default(""), "The console on the terminal.", ""),
];

const SITE: &[Key] = &[
    key("name", Text, Default("\"Site\""), "Name of the site, shown on every tab.", "\"BF2\""),
    key(
        "node",
        Text,
        Default("\"vms\""),
        "Name of this node; tells its rows from other nodes' in the historian.",
        "\"bf2-vms-1\"",
    ),
    key("time_zone", TimeZone, Default("\"UTC\""), "Time zone of every time shown.", "\"Asia/Kolkata\""),
];

const CAMERA: &[Key] = &[
    key("id", Id, Required, "Name that alarms, commands and records use; unique among the cameras.", "\"deck-east\""),
    key("name", Text, Derived("the id"), "Name for people.", "\"Screen deck, east\""),
    key(
        "url",
        Url(&["rtsp", "rtsps"]),
        Required,
        "Address of the stream, without user name and password.",
        "\"rtsp://10.20.0.11:554/stream1\"",
    ),
    key("username", Text, Optional, "User name at the camera.", "\"vms\""),
    key(
        "password",
        Secret,
        Optional,
        "Where the password is: an environment variable, or a file relative to this one; never the password itself.",
        "{ env = \"DECK_EAST_PASSWORD\" }",
    ),
    key(
        "exposure_ms",
        real(0.001, 1000.0),
        Optional,
        "Exposure time in ms; corrects the amplitude for motion blur.",
        "8",
    ),
    key(
        "readout_ms",
        real(0.01, 1000.0),
        Optional,
        "Time that the rolling shutter takes from the first to the last row of the picture, in ms; tells what a tone's true frequency may be, and puts back what the rows of a tall region take of it.",
        "20",
    ),
    key("transport", Choice(&["tcp", "udp"]), Default("\"tcp\""), "How the stream is carried.", ""),
    key(
        "expected_fps",
        real(0.1, 1000.0),
        Optional,
        "Frames a second that the camera should give; fewer make it degraded.",
        "25",
    ),
    key(
        "scale_mm_per_px",
        real(0.000_001, 1000.0),
        Optional,
        "Length of one pixel on the machine in mm. Quantities in mm need it.",
        "0.42",
    ),
    key("record", Bool, Default("true"), "Whether to keep video around events.", ""),
    key("enabled", Bool, Default("true"), "Whether the camera is used at all.", ""),
    key(
        "compensate",
        Table(COMPENSATE),
        Default(""),
        "What is taken off the measured motion that is not the machine's. What is off makes every reading of the camera \"reduced\".",
        "",
    ),
    key("roi", Tables(ROI), Optional, "A region of the picture; once for each region.", ""),
];

const COMPENSATE: &[Key] = &[
    key("shake", Bool, Default("true"), "The camera's own motion, by its background regions.", ""),
    key("haze", Bool, Default("true"), "Hot air: places of a region that disagree with the others count less.", ""),
    key("drift", Bool, Default("true"), "Slow drift over the window.", ""),
    key("flicker", Bool, Default("true"), "Changes of the light, frame by frame and over the region.", ""),
];

const ROI: &[Key] = &[
    key("id", Id, Required, "Name of the region; unique over all cameras.", "\"east-bearing\""),
    key(
        "rect",
        Rect,
        Required,
        "x, y, width, height in pixels of the camera's picture; at least 8 by 8.",
        "[820, 410, 128, 128]",
    ),
    key(
        "role",
        Choice(&["asset", "background"]),
        Default("\"asset\""),
        "`asset`: a machine part that is measured. `background`: something that stands still; its apparent motion is the camera's own shake and is taken off the assets'.",
        "",
    ),
    key(
        "running",
        Id,
        Optional,
        "PLC tag that is true while the machine runs; limits apply only then.",
        "\"screen-1-running\"",
    ),
    key(
        "nominal_hz",
        NumberOr(Range { min: 0.001, max: 10_000.0 }, NOMINAL),
        Optional,
        "The machine's own frequency in Hz, or the PLC tag of its speed; tells an alias from the true frequency.",
        "16.2",
    ),
    key(
        "baseline",
        ms(60_000, 30 * 24 * HOUR),
        Default("\"1h\""),
        "How long what is usual of the region (its baseline) is learned from: so much of the machine's running time, and of its standing time.",
        "\"24h\"",
    ),
    key("limits", Tables(LIMIT), Optional, "Limits of the region's quantities.", ""),
];

const NOMINAL: &[Key] = &[
    key("tag", Id, Required, "PLC tag that holds the speed.", "\"screen-1-speed\""),
    key(
        "hz_per_unit",
        real(0.000_000_001, 1_000_000.0),
        Required,
        "Hz for one unit of the tag: 1/60 for revolutions a minute.",
        "0.0166667",
    ),
];

const LIMIT: &[Key] = &[
    key(
        "quantity",
        Text,
        Required,
        "What is limited: `velocity_rms_mm_s`, `displacement_pp_mm`, `displacement_rms_mm`, `displacement_pp_px`, `displacement_rms_px`, `peak_amplitude_px`, `peak_hz` or `spectrum_deviation` (how far any band of the spectrum is from the baseline, in spreads). Those in mm need the camera's scale.",
        "\"velocity_rms_mm_s\"",
    ),
    key(
        "kind",
        Choice(&["value", "deviation"]),
        Default("\"value\""),
        "Against what it is held. `value`: the quantity itself. `deviation`: how far it is from the region's baseline, above or below, in spreads (one spread is the usual variation, at least 5 % of the median, 0.5 % for a frequency).",
        "\"deviation\"",
    ),
    key(
        "warning",
        real(0.000_001, 1_000_000.0),
        Optional,
        "Where the warning starts; a warning, an alarm or both.",
        "4.5",
    ),
    key("alarm", real(0.000_001, 1_000_000.0), Optional, "Where the alarm starts.", "7.1"),
    key("priority", Choice(PRIORITIES), Default("\"high\""), "Priority of the alarm; the warning's is one lower.", ""),
    key(
        "on_delay",
        ms(0, HOUR),
        Default("\"3s\""),
        "How long the value must be at or above the limit before it counts.",
        "",
    ),
    key(
        "off_delay",
        ms(0, HOUR),
        Default("\"10s\""),
        "How long it must be below the limit less the deadband before it is over.",
        "",
    ),
    key("deadband_percent", real(0.0, 90.0), Default("5"), "Deadband in percent of the limit.", ""),
];

const PLC: &[Key] = &[
    key("id", Id, Required, "Name that alarms and commands use; unique among the PLCs.", "\"bf2-plc\""),
    key(
        "port",
        Path,
        Required,
        "The serial port: a device, better its stable name in /dev/serial/by-id; COM3 on Windows.",
        "\"/dev/ttyUSB0\"",
    ),
    key("baud_rate", whole(300, 4_000_000), Default("19200"), "Bits a second.", ""),
    key(
        "parity",
        Choice(&["none", "even", "odd"]),
        Default("\"even\""),
        "Parity. With `none` there are two stop bits.",
        "",
    ),
    key("unit", whole(1, 247), Default("1"), "Unit identifier of the PLC on the line.", ""),
    key("poll_interval", ms(5, HOUR), Default("\"200ms\""), "Time from poll to poll.", ""),
    key("timeout", ms(5, 60_000), Default("\"500ms\""), "How long to wait for an answer.", ""),
    key("tag", Tables(TAG), Optional, "A coil or register that is read or written; once for each.", ""),
];

const TAG: &[Key] = &[
    key("id", Id, Required, "Name of the tag; unique over all PLCs.", "\"screen-1-running\""),
    key(
        "table",
        Choice(&["coil", "discrete", "holding", "input"]),
        Required,
        "Table of the Modbus data model. Only `coil` and `holding` can be written.",
        "\"coil\"",
    ),
    key("address", whole(0, 65535), Required, "Address within the table, from 0.", "0"),
    key("access", Choice(&["read", "write"]), Default("\"read\""), "Whether the program reads or writes it.", ""),
    key(
        "source",
        Text,
        Optional,
        "What a written tag shows: `alarm:ROI` (1 while an alarm limit of the region is exceeded), `level:ROI:QUANTITY` (the value times 100; 65535 while it is not known), `heartbeat` (counts up once a poll) or `health` (1 while all is well).",
        "\"alarm:east-bearing\"",
    ),
];

const JOURNAL: &[Key] = &[
    key("keep_seconds", ms(HOUR, CENTURY), Default("\"14days\""), "How long readings per second are kept.", ""),
    key("keep_minutes", ms(HOUR, CENTURY), Default("\"60days\""), "How long minutes of every trend are kept.", ""),
    key("keep_hours", ms(HOUR, CENTURY), Default("\"10years\""), "How long hours of every trend are kept.", ""),
    key("keep_waveforms", ms(HOUR, CENTURY), Default("\"400days\""), "How long waveforms about alarms are kept.", ""),
    key(
        "keep_events",
        ms(24 * HOUR, CENTURY),
        Default("\"10years\""),
        "How long events are kept. What a start still needs (open alarms, baselines, unfinished maintenance) stays longer.",
        "",
    ),
    key(
        "keep_unsent",
        ms(HOUR, CENTURY),
        Default("\"90days\""),
        "How long readings, minutes and waveforms that have not reached PostgreSQL are kept; events that have not are never removed.",
        "",
    ),
    key(
        "keep_at_most",
        bytes(64 * MIB, PIB),
        Default("\"50 GiB\""),
        "Largest size of the journal; beyond it the oldest readings per second go first, sent or not.",
        "",
    ),
];

const HISTORIAN: &[Key] = &[
    key(
        "url",
        Url(&["postgres", "postgresql"]),
        Required,
        "Address of the database with the user name, without the password.",
        "\"postgres://vms@127.0.0.1:5432/deevia_vms\"",
    ),
    key("password", Secret, Optional, "Where the password is.", "{ env = \"VMS_DB_PASSWORD\" }"),
    key(
        "keep_seconds",
        ms(24 * HOUR, CENTURY),
        Default("\"90days\""),
        "How long readings per second are kept in PostgreSQL; a day at a time goes.",
        "",
    ),
    key(
        "keep_minutes",
        ms(24 * HOUR, CENTURY),
        Default("\"2years\""),
        "How long minutes of every trend; a month at a time.",
        "",
    ),
    key(
        "keep_waveforms",
        ms(24 * HOUR, CENTURY),
        Default("\"2years\""),
        "How long waveforms about alarms; a month at a time.",
        "",
    ),
    key("keep_events", ms(24 * HOUR, CENTURY), Default("\"20years\""), "How long events; a month at a time.", ""),
    key(
        "catch_up_rows_per_s",
        whole(100, 1_000_000),
        Default("50000"),
        "Rows a second at most while the database catches up after an outage.",
        "",
    ),
    key(
        "ca_file",
        Path,
        Optional,
        "Certificate (PEM) of the authority that the server's certificate is from, where it is the plant's own; a relative path is beside this file. On the network the connection is always encrypted and the server verified.",
        "\"plant-ca.pem\"",
    ),
    key(
        "vacuum",
        Text,
        Default("\"sunday 03:00\""),
        "When all tables are vacuumed and analysed, in the site's time zone: `WEEKDAY HH:MM`, `daily HH:MM`, `DAY HH:MM` (day of the month), or `off`. A run that was missed is caught up.",
        "",
    ),
    key(
        "reindex",
        Text,
        Default("\"1 03:30\""),
        "When all indexes are built anew, without holding up writers; written as `vacuum`.",
        "",
    ),
];

const RECORDING: &[Key] = &[
    key(
        "directory",
        Path,
        Default("\"videos\""),
        "Where the files go; a relative path is under the data directory.",
        "",
    ),
    key("pre_roll", ms(0, 120_000), Default("\"10s\""), "How much before the event is kept.", ""),
    key("post_roll", ms(0, HOUR), Default("\"20s\""), "How much after it.", ""),
    key(
        "keep_free_percent",
        real(0.0, 95.0),
        Default("20"),
        "Free share of the disk in percent that recordings leave.",
        "",
    ),
    key("keep_at_most", bytes(MIB, PIB), Default("\"200 GiB\""), "Largest size of all recordings.", ""),
];

const RESOURCES: &[Key] = &[
    key("cpu_percent", real(0.0, 100.0), Default("70"), "Use of all processors in percent.", ""),
    key("memory_percent", real(0.0, 100.0), Default("80"), "Use of memory in percent.", ""),
    key(
        "disk_free_percent",
        real(0.0, 100.0),
        Default("20"),
        "Free share of every disk in percent; below it is not well.",
        "",
    ),
    key("camera_latency", ms(1, 60_000), Default("\"500ms\""), "Latency of a camera.", ""),
    key("database_response", ms(1, 600_000), Default("\"1s\""), "Response time of the database.", ""),
    key("log_errors_per_min", real(0.0, 1_000_000.0), Default("10"), "Errors a minute over all logs.", ""),
];

const LOGS: &[Key] = &[
    key(
        "directory",
        Path,
        Default("\"logs\""),
        "Where the program's own log goes; a relative path is under the data directory.",
        "",
    ),
    key("rotate_at", bytes(4 << 10, 1 << 40), Default("\"20 MiB\""), "Size at which the log is rotated.", ""),
    key("keep", whole(1, 1000), Default("10"), "How many rotated files are kept.", ""),
    key(
        "watch",
        PathList,
        Default("[]"),
        "Other log files to watch; `*` stands for any characters of a file name.",
        "[\"/var/log/postgresql/*.log\"]",
    ),
];

const MAIL: &[Key] = &[
    key(
        "server",
        Url(&["smtp", "smtps"]),
        Required,
        "Address of the mail server.",
        "\"smtp://mail.plant.example:587\"",
    ),
    key("starttls", Bool, Default("true"), "Whether to ask for TLS (STARTTLS).", ""),
    key("username", Text, Optional, "User name at the server.", "\"vms\""),
    key("password", Secret, Optional, "Where the password is.", "{ file = \"smtp.password\" }"),
    key("from", Address, Required, "Sender.", "\"vms@plant.example\""),
    key("to", AddressList, Required, "Receivers.", "[\"shift-lead@plant.example\"]"),
    key("at_least", Choice(PRIORITIES), Default("\"critical\""), "Lowest priority that is mailed.", ""),
    key(
        "ca_file",
        Path,
        Optional,
        "Certificate (PEM) of the authority that the mail server's certificate is from, where it is the plant's own; a relative path is beside this file.",
        "\"plant-ca.pem\"",
    ),
    key(
        "at_most_every",
        ms(10_000, 24 * HOUR),
        Default("\"5min\""),
        "After a mail so much time passes before the next; what happens meanwhile comes together in one.",
        "",
    ),
    key(
        "log_patterns",
        Text,
        Optional,
        "Regular expression; log lines that it fits are mailed.",
        "\"PANIC|No space left|Out of memory\"",
    ),
];

const BACKUP: &[Key] = &[
    key(
        "repository",
        Path,
        Default("\"backups\""),
        "Where backups go; a relative path is under the data directory.",
        "",
    ),
    key("password", Secret, Optional, "Where the password of the repository is.", "{ file = \"backup.password\" }"),
    key("daily", whole(0, 1000), Default("7"), "How many daily backups are kept.", ""),
    key("weekly", whole(0, 1000), Default("4"), "How many weekly ones.", ""),
    key("monthly", whole(0, 1000), Default("12"), "How many monthly ones.", ""),
    key("quarterly", whole(0, 1000), Default("20"), "How many quarterly ones; 20 are five years.", ""),
];

const MAINTENANCE: &[Key] = &[
    key(
        "tasks",
        Path,
        Default("\"maintenance.toml\""),
        "The task catalogue; a relative path is beside this file. Where there is no such file, the built-in one holds.",
        "",
    ),
    key(
        "start_within",
        ms(10_000, HOUR),
        Default("\"3m\""),
        "How long after a start everything that ran before may take to run again (cameras, PLCs, database, disks, timetables); then the alarm `program.start` tells what is missing.",
        "",
    ),
    key(
        "reboot",
        Text,
        Default("\"off\""),
        "When the computer is restarted by itself, in the site's time zone; written as `historian.vacuum`. It waits up to an hour while an alarm of priority high or critical is active or the database is being looked after.",
        "\"sunday 04:30\"",
    ),
    key(
        "reboot_notice",
        ms(60_000, 24 * HOUR),
        Default("\"15m\""),
        "How long ahead that is announced, in the log and as the alarm `program.restart`.",
        "",
    ),
    key(
        "reboot_command",
        Text,
        Default("\"systemctl reboot\""),
        "What restarts the computer, once the engine has ended in order: a program and its words, parted by spaces; no shell reads it.",
        "",
    ),
    key(
        "reboot_on_request",
        Bool,
        Default("false"),
        "Whether a person may have the computer restarted by a maintenance step.",
        "",
    ),
];

const CONTACT: &[Key] = &[
    key("name", Text, Required, "Name of the person or office.", "\"R. Kumar\""),
    key("role", Text, Required, "What they are called for.", "\"shift electrician\""),
    key("phone", Text, Optional, "Telephone number.", "\"+91 8395 250 120\""),
    key("mail", Address, Optional, "Mail address.", "\"shift-electric@plant.example\""),
    key("hours", Text, Optional, "When they can be reached.", "\"day and night\""),
];

const CONSOLE: &[Key] = &[
    key(
        "keymap",
        Id,
        Default("\"default\""),
        "Name of the keymap: a file in keymaps/ beside this file, or a built-in one.",
        "",
    ),
    key("theme", Id, Default("\"control-room\""), "Name of the theme.", ""),
    key("bell", Bool, Default("true"), "Whether a new alarm rings the terminal's bell.", ""),
];
