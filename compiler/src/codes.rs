//! Every code of a diagnostic: title and explanation. `vmlock explain CODE`
//! prints them; the tests hold that no code is emitted that is not here.
//!
//! Reasons for which a host cannot keep a lock (`host::…`) stand in
//! `vmlock_spec::reason`, since the runner gives them too.

use vmlock_spec::reason::REASONS;

/// One code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    pub code: &'static str,
    pub title: &'static str,
    pub explanation: &'static str,
}

const fn code(code: &'static str, title: &'static str, explanation: &'static str) -> Code {
    Code {
        code,
        title,
        explanation,
    }
}

/// Codes of the compiler, in the order in which a file meets them.
pub const CODES: &[Code] = &[
    code(
        "spec::too-large",
        "the file is too large",
        "A description has at most 1 MiB, 20,000 words and 2,000 nodes and values. Most have some 20 lines; a larger file is probably not a description.",
    ),
    code(
        "spec::not-utf-8",
        "the file is not UTF-8",
        "KDL is UTF-8. The message names the first byte that is not, by its offset. Save the file as UTF-8.",
    ),
    code(
        "spec::syntax",
        "the text is not KDL",
        "The file does not parse as KDL version 2. At most three of the parser's errors are shown, and nothing further is checked, because what follows from them would only distract. Common causes: a brace or a quote that is missing, and habits of KDL version 1 (`true` is `#true` now, `r\"…\"` is `#\"…\"#`).",
    ),
    code(
        "spec::conflict-marker",
        "the file holds conflict markers of a merge",
        "Two branches changed the same lines, and nobody has said yet what is meant. Keep what is meant of both sides and remove the lines with the markers; then `vmlock lock` makes the lock of it, whatever the merge left there.",
    ),
    code(
        "spec::json",
        "the JSON form cannot be read",
        "The file is not JSON, or does not have the form of a description. `vmlock schema spec` prints the JSON Schema.",
    ),
    code(
        "spec::type-annotation",
        "a type annotation means nothing here",
        "KDL allows `(type)` in front of nodes and values. A description has no use for it, and what has no meaning is refused, so that nobody relies on it.",
    ),
    code(
        "spec::unknown-node",
        "a name that is not known here",
        "A block holds a name that means nothing in it. Unknown names are errors, never ignored: a misspelt `hide` would otherwise show the guest what it should hide.",
    ),
    code(
        "spec::unknown-property",
        "a property that is not known here",
        "A `name=value` pair that this node does not have.",
    ),
    code(
        "spec::duplicate-machine",
        "two machines of a file are called alike",
        "Each machine of a file has a lock of its own, NAME.MACHINE.vm.lock.json, and others name it to be built from it. Where names of files have no case, two names that differ in capitals alone would be one lock.",
    ),
    code(
        "spec::unknown-machine",
        "no machine of the file is called so",
        "`from` names another machine of the same file, which is then built upon. Machines of other files cannot be named: what files share stands in one that they all `import`.",
    ),
    code(
        "spec::two-defaults",
        "two imported files have defaults",
        "A machine has the `defaults` of one file that it imports: of two, one would have to come before the other, and nothing says which.",
    ),
    code(
        "spec::no-default",
        "this is each machine's own",
        "`defaults` of an imported file are for all machines that import it. What waives a promise, or what two machines must not have alike, stands in the machine, where its readers see it.",
    ),
    code(
        "spec::circle",
        "machines are built from each other",
        "A machine takes over what it does not say itself from the one that its `from` names, and that one from another. At the end has to be one that says all of it itself.",
    ),
    code(
        "spec::duplicate-node",
        "something is said twice",
        "This may stand only once. Which of the two holds would be a guess.",
    ),
    code(
        "spec::duplicate-property",
        "a property is given twice",
        "KDL and JSON readers let the last one win, which hides mistakes; here it is an error.",
    ),
    code(
        "spec::duplicate-value",
        "a name stands twice in a list",
        "The second one adds nothing, or contradicts the first.",
    ),
    code(
        "spec::duplicate",
        "something is named twice",
        "The same feature or field is named twice. Keep one.",
    ),
    code(
        "spec::missing",
        "something is missing",
        "A part that every description needs, or the value of one, is not there. The message shows what to add.",
    ),
    code(
        "spec::unexpected-argument",
        "a value too many",
        "The node takes fewer values than are written behind it.",
    ),
    code(
        "spec::unexpected-block",
        "a block where none belongs",
        "The node is one line, without `{ … }`.",
    ),
    code(
        "spec::wrong-type",
        "a value of the wrong type",
        "For example a number where a name belongs. The message shows how to write it.",
    ),
    code(
        "spec::empty",
        "a value is empty",
        "The quotes have nothing between them.",
    ),
    code(
        "spec::out-of-range",
        "a number is out of range",
        "The message names the limits. Registers have at most 64 bits.",
    ),
    code(
        "spec::taken-literally",
        "a text that is not meant as it stands",
        "Texts of a description are taken as they stand: no variable, template or pattern is filled in, `~` is no home directory, and quotes inside of a text are part of it. A lock with a file that is called `'vmlinuz'` or `${KERNEL}` would be one that nobody means, so such texts are refused. Files whose names hold quotes or `*` have to be renamed.",
    ),
    code(
        "spec::bad-name",
        "no name for a machine or a device",
        "The name of a machine, a disk or a network card has 1 to 63 ASCII letters, digits, `-`, `_` and `.`, and no `.` at the front: it becomes part of file names and labels.",
    ),
    code(
        "spec::unknown-arch",
        "an instruction set that is not known",
        "This vmlock knows `arm64`.",
    ),
    code(
        "spec::unknown-console",
        "a console that is not known",
        "The console's hardware is `16550`, a 16550A UART, which every machine has; Linux calls it ttyS0. `console \"virtio\"` gives it a virtio console beside; Linux calls that hvc0.",
    ),
    code(
        "spec::unknown-across-saves",
        "what no counter does across saves",
        "While a guest is saved in a file its virtual counter (CNTVCT_EL0) `stands-still`, unless the description says `across-saves \"goes-on\"`: then `vmlock-run restore` has it count on by the wall clock of the hosts, and never back.",
    ),
    code(
        "spec::disk-size",
        "no size for a disk",
        "A disk has its size in the lock, and a guest sees no other one. It is what `size` says, written with its binary unit (`8GiB`); else that of the file or block device that is there when the lock is made; else, where the file is not there, that of the old lock for the same path. A file that is smaller than that is refused, what a larger one has behind it does not exist for the guest, and a disk is made of whole sectors of 512 bytes.",
    ),
    code(
        "spec::disk-contents",
        "no digest for a disk that nobody writes",
        "The lock of a disk that can only be read has a digest of what it holds, and `start` refuses other contents. It is what `digest` says; else that of the file that is there when the lock is made; else that of the old lock for the same path and size. Where any contents will do, `any-file=#true` says so.",
    ),
    code(
        "spec::disk-format",
        "a disk image that is not raw",
        "A disk is a raw image or a block device: its first byte is the guest's first byte. Images in other formats hold tables that only their own programs know, and their length is not the disk's. `qemu-img convert -O raw OLD NEW` makes a raw one.",
    ),
    code(
        "spec::shared-file",
        "one file for two disks",
        "A guest that writes one of the two would find the other changed behind its back. Two disks that can only be read may share a file.",
    ),
    code(
        "spec::bad-serial",
        "no serial number for a disk",
        "A guest reads at most 20 bytes of it (VIRTIO_BLK_ID_BYTES), and Linux shows it in /dev/disk/by-id. It is printable ASCII, without blanks at its ends, and the disk's name unless `serial` says another.",
    ),
    code(
        "spec::bad-tap",
        "no name for a tap device",
        "Linux has network devices with names of at most 15 bytes, without `/`, `:`, `%` and blanks. `ip tuntap add tap0 mode tap` makes one.",
    ),
    code(
        "spec::bad-mac",
        "no address for a network card",
        "A card's address is six pairs of hex digits in lower case with `:` between them. The first byte is even: odd ones are addresses of groups. Without `mac` the address follows from the machine's name and the card's, is locally administered, and the same wherever the lock is made; two machines of one name that meet in one network need a `mac` each.",
    ),
    code(
        "spec::cpu-count",
        "too many or too few vCPUs",
        "A machine has 1 to 512 vCPUs; one of a lock of version 1 has 1 to 64.",
    ),
    code(
        "spec::memory-size",
        "no size for a guest's memory",
        "Memory is 64 MiB to 255 TiB, as far as the CPU has bits of address, in steps of 2 MiB, written with its binary unit: `512MiB`, `2GiB`. Decimal units such as MB are refused, because half of their users mean the binary ones.",
    ),
    code(
        "spec::bad-cmdline",
        "no command line for a kernel",
        "A command line has at most 2047 bytes: arm64 kernels read no more (COMMAND_LINE_SIZE, with the NUL that ends it), and cut off the rest in silence.",
    ),
    code(
        "spec::bad-digest",
        "no digest of a file",
        "A digest is `sha256-` and the 64 hex digits, in lower case, that `sha256sum` prints of the file.",
    ),
    code(
        "spec::control-character",
        "a text holds what no reader sees",
        "Names, paths and the command line are text on one line. Control characters, line breaks and marks that change the direction of writing are refused in both forms of a description, spelt (`\\u{1b}`) or not: they would act on terminals and logs, and hide what a lock says.",
    ),
    code(
        "spec::not-yet",
        "designed and not built yet",
        "The language reserves the name; this vmlock cannot make it. Nothing is ignored in silence, so it is an error.",
    ),
    code(
        "spec::absolute-import",
        "an imported file must be relative",
        "Everyone who checks out the description must get the same lock. Name the file relative to the description, with `/`.",
    ),
    code(
        "import::unreadable",
        "an imported file cannot be read",
        "The path is relative to the description that imports it.",
    ),
    code(
        "import::invalid",
        "an imported file is not a catalogue file",
        "An imported file holds `baseline` and `cpu` nodes, each statement with its source, in the form of vmlock's own catalogue. `vmlock cpu REPORT` writes a model in that form.",
    ),
    code(
        "import::register",
        "an imported file defines a register",
        "Only vmlock's own catalogue defines registers: their names and fields are the architecture's.",
    ),
    code(
        "import::vmm",
        "an imported file describes a virtual machine monitor",
        "Only vmlock's own catalogue describes them: `vmlock export` says of its entries alone what becomes of a lock there.",
    ),
    code(
        "import::name-taken",
        "an imported name exists already",
        "What a baseline or a CPU model means never changes, so no file can redefine one. Give yours a name of its own.",
    ),
    code(
        "spec::unknown-baseline",
        "a baseline that is not known",
        "The name is neither in vmlock's catalogue nor in an imported file. `vmlock explain` without a name lists all.",
    ),
    code(
        "spec::unmeasured",
        "the lock would promise what nobody has read of this CPU",
        "Models of real machines (`graviton2` and its like) are made of what guests were seen to find there. What such a guest cannot see is unknown: neither 0 nor 1. A baseline that shows it, or a vCPU feature that needs it (a PMU, SVE, pointer authentication, tags), asks for a measurement: run `vmlock-run probe` on such a machine, make a model of the report (`vmlock cpu REPORT --name NAME -o NAME.kdl`) and import it. Where the guest need not have it, `hide` the field of an ID register, which holds whatever the silicon has; where no host's value matters, leave it open with `vary`. That is not enough where something else hangs on it, as the caches do on CLIDR_EL1, CTR_EL0 or CCIDX.",
    ),
    code(
        "spec::unmeasured-kernel",
        "the lock would promise what nobody has measured of this kernel",
        "Baselines of distributions whose kernels' source was not read (`al2-5.10`, `al2023-6.1`, and those that `vmlock adopt --baseline` makes) are made of what some guests were seen to find there. They hold for the CPUs of these guests, by MIDR_EL1, and what was not looked at is unknown: the interrupt controller's revision, which firmware calls are answered, vCPU features. Run `vmlock-run probe` on such a host, make a model of its CPU (`vmlock cpu REPORT --name MODEL -o MODEL.kdl`) and a baseline (`vmlock adopt REPORT --baseline NAME --cpu MODEL --import MODEL.kdl`), and import both. Or decide it yourself: a part in `abi` (`gic-iidr-rev2`, `smc-none`) or a line of the description says what the guest sees, and a host that cannot show that refuses the lock.",
    ),
    code(
        "spec::unsure",
        "nobody has looked whether this release shows the field",
        "The catalogue knows a release that does not show the field and a later one that does, and the baseline that the description names lies between them, where no source was at hand. On a host of that release the guest may see the other value; there the lock is refused, never kept by halves. Name one of the two releases, decide the field with `set` or `hide`, or waive it with `vary`.",
    ),
    code(
        "spec::emulated-cpu",
        "the CPU model was read from an emulator",
        "Most models of the catalogue (`vmlock explain NAME` says of each) are what QEMU emulates, as the hosts of vmlock-lab have it. A real machine whose CPU has that name has an EL3 (ID_AA64PFR0_EL1.EL3), and mostly another revision, caches, PMU events, counter frequency and firmware. A kernel can be made to show some of what the emulator has, and not the rest: such a host refuses the lock, it is never kept by halves. Name a model of real machines, such as `graviton3`, and leave open with `vary` what nobody has measured of it; or run `vmlock-run probe` on a host of yours and make a model of its report (`vmlock cpu REPORT --name NAME -o NAME.kdl`), or a description with one (`vmlock adopt REPORT`). Where the hosts are emulated, as the lab's are, write `allow \"spec::emulated-cpu\" reason=\"…\"` into the description. A lock says nothing of it, and does not change.",
    ),
    code(
        "spec::midr-promises",
        "MIDR_EL1 promises what is hidden",
        "Libraries that carry several versions of their code (numerical, cryptographic and string routines) may choose by the part number in MIDR_EL1, without a look at the ID register field or the hwcap of the instructions that they use. A lock that keeps the part and hides a feature that this part has lets them choose code that ends with SIGILL on a host that lacks the instruction or makes it undefined; where the host executes it, the guest depends on something that its lock does not promise. Name a CPU model without the feature, so that MIDR_EL1 is the model's (Linux 6.15 and later can show it on newer CPUs), or do not hide it.",
    ),
    code(
        "spec::withholds-mitigation",
        "the guest is not told what protects it",
        "CPUs, kernels and firmware tell a guest what protects it against misuse of speculation: that branches are not steered from outside (CSV2), that nothing is used that must not be read (CSV3), that branch history is parted or can be cleared (ECBHB, CLRBHB), that stores can be kept in order (SSBS), that predictions can be dropped (SPECRES), that firmware helps (the WORKAROUND levels). A guest that is not told protects itself by slower means, or not at all. An old baseline may not show it, and a lock that has to be kept by a host without it must not; where that is meant, write `allow \"spec::withholds-mitigation\" \"ID_AA64PFR0_EL1.CSV3\" reason=\"…\"` into the description, with every field that is meant; without a field it covers all, also what is withheld later. `vmlock check` and `vmlock-run` say the same of hosts that have it.",
    ),
    code(
        "spec::unknown-warning",
        "there is no such warning to allow",
        "`allow` names the code of a warning, as it stands above its message. Errors cannot be allowed: no lock comes of them.",
    ),
    code(
        "spec::unused-allow",
        "what is allowed does not happen",
        "`allow` acknowledges a warning that this description does not give (any more). It would hide the warning when a later change brings it back: remove it.",
    ),
    code(
        "spec::unknown-cpu",
        "a CPU model that is not known",
        "The name is neither in vmlock's catalogue nor in an imported file. `vmlock cpu REPORT --name NAME` makes a model of a host.",
    ),
    code(
        "spec::contradiction",
        "two lines contradict each other",
        "Two baselines at the same level (two whole ones, or two for the same part), or two entries of the `cpu` block, decide the same thing. A part overrides the same part of a whole baseline, and `hide` and `set` override both; between equals there is no winner.",
    ),
    code(
        "spec::no-whole-baseline",
        "no whole baseline is named",
        "Parts such as `psci-1.1` speak of one thing each. A whole baseline such as `kvm-6.8` says the rest.",
    ),
    code(
        "spec::broken-chain",
        "a baseline builds on one that is not there",
        "A baseline may be stated as its difference from another one (`after`). That one must exist, here or in an imported file, and the chain must end.",
    ),
    code(
        "spec::incomplete-baseline",
        "the baselines leave something open",
        "A lock has a value for everything. These baselines say nothing of the named thing; add a part that does.",
    ),
    code(
        "spec::incomplete-cpu",
        "the CPU model leaves something open",
        "Some values come from silicon and firmware alone, and what is missing is never taken for zero. The model must state them, those that no kernel can change as `fact`.",
    ),
    code(
        "spec::wide-ccsidr",
        "a cache register that no lock can hold",
        "A CPU with FEAT_CCIDX has 64 bits in CCSIDR_EL1, and KVM_GET_ONE_REG serves 32. Up to Linux 6.2 a guest reads the silicon's own value, of which KVM tells half. From 6.3 on KVM makes the cache registers up, in 32 bits.",
    ),
    code(
        "spec::unknown-feature",
        "a feature that is not known",
        "`hide` and `set` take a feature by its Linux hwcap name (as in /proc/cpuinfo; every one that Linux 7.3 has), or a field as REGISTER.FIELD. `vmlock explain` lists the names, and `vmlock explain NAME` the fields behind one. What Arm calls FEAT_… has other names: look for the field.",
    ),
    code(
        "spec::off-already",
        "what is decided here is off already",
        "A vCPU has the features `pmu`, `sve`, `pauth`, `mte` and `steal-time` only where the `cpu` block names them, and with them the hwcaps that belong to them (`sve2` and all others of SVE, `paca`, `pacg`, `mte3`, …). There is nothing to hide or to set without them. What belongs to SME, no guest has.",
    ),
    code(
        "spec::cpu-lacks-feature",
        "the CPU has no such feature",
        "A vCPU feature is what silicon and KVM do together. The CPU model says that the silicon has it not, so no host with this CPU could give it to a guest.",
    ),
    code(
        "spec::steal-time-hidden",
        "stolen time that no guest could find",
        "With `steal-time`, PV_TIME_FEATURES and PV_TIME_ST tell a guest where its stolen time is written (DEN0057). A baseline or part such as `no-smccc-pv-time` hides these calls (KVM_REG_ARM_STD_HYP_BMAP.PV_TIME is 0).",
    ),
    code(
        "spec::hidden-and-working",
        "the CPU still does what is hidden",
        "An ID register can say that there is no AArch32 at EL0, and KVM cannot make it so on a CPU that has it: a guest that does not ask and returns to a 32-bit program runs it. The lock promises the register, and nothing of what happens then.",
    ),
    code(
        "spec::vector-lengths",
        "no CPU has these SVE vector lengths",
        "`sve` names every vector length that the guest can select, in bits: multiples of 128, at most 2048, the shortest first, and with the longest every power of two below it. KVM can cut off a CPU's lengths above one of them and do nothing else, so a host must have exactly these up to the longest. A CPU model that says its own lengths (`vector-lengths`) is held against that already.",
    ),
    code(
        "spec::unknown-register",
        "a register that does not exist",
        "The architecture has no register of that name among those that a guest can read. Names are spelt as the Arm ARM does, for example `ID_AA64ISAR0_EL1`.",
    ),
    code(
        "spec::unknown-field",
        "a field that does not exist",
        "The register exists and has no field of that name. `vmlock explain REGISTER` lists its fields.",
    ),
    code(
        "spec::not-in-lock",
        "the field is not part of this machine",
        "The register exists, and the lock of this machine does not hold it: it needs a vCPU feature that is off, or it is run-time state, which is never locked.",
    ),
    code(
        "spec::not-settable",
        "the field cannot be hidden or set",
        "Only fields of ID registers announce features. Other values belong together, and a baseline or one of its parts decides them by name (`abi \"psci-1.0\"`), or silicon and firmware do (CNTFRQ_EL0, ICC_CTLR_EL1, the WORKAROUND levels: a model's `fact`s), and no kernel can change them. To say again what the model says is no mistake.",
    ),
    code(
        "spec::impossible-value",
        "the CPU cannot have this value",
        "A field can be shown with another value than the silicon's only where a guest that believes it still works: less of a feature, never more. One rule holds for `hide`, `set`, `pmu` and `debug`, whatever KVM would accept. `vmlock explain REGISTER.FIELD` tells the field's rule.",
    ),
    code(
        "spec::impossible-combination",
        "values that no CPU has together",
        "Fields of ID registers hang together: SVE2 is a later version of SVE, a vCPU without a PMU announces none, permission indirection is turned on by a register that another field announces. What the baselines and the CPU model make of them is as kernels have it; where `hide`, `set` and their like take such values apart, KVM would refuse or undo them, or a guest that believes them would break: no lock is made. As a warning: no CPU is so, and a guest that asks for each feature by itself works all the same.",
    ),
    code(
        "spec::another-file",
        "a file is another one than the description says",
        "The description gives the digest of the kernel, of the initial RAM file system or of a read-only disk, and the file that is there has another. A lock names one file: put the right one there, or write the digest of this one.",
    ),
    code(
        "spec::needs-upgrade",
        "a lock of an old version cannot hold that",
        "A lock keeps the version of its format until somebody upgrades it, and this version has no place for what the description asks for: virtio devices need version 3, for example. `vmlock lock --upgrade` makes a lock of the version that has it; what it promises beside the old one is printed.",
    ),
    code(
        "spec::unknown-host",
        "no such host is recorded",
        "`runs-on` names hosts by the kernel that they run, its series (`kvm-6.12`) or the distribution whose it is (`debian-13`), with the CPU model of the description. Reports of the lab's kernels on some CPU models are recorded in vmlock. For any other host, make a report with `vmlock-run probe` and give it to `vmlock lock --for REPORT`: what a host can show is known from trying it, never from its version.",
    ),
    code(
        "lock::missing",
        "there is no lock yet",
        "`vmlock lock --check` found no lock beside the description. Make it with `vmlock lock` and check it in.",
    ),
    code(
        "lock::two-descriptions",
        "two descriptions of one lock",
        "NAME.vm.kdl and NAME.vm.json stand in one folder, and the lock of both is NAME.vm.lock.json. Which of the two it comes of would depend on which was compiled last, so it comes of neither. The same holds for a file with several machines, whose locks are NAME.MACHINE.vm.lock.json, beside another that is called NAME.MACHINE.",
    ),
    code(
        "lock::orphan",
        "a lock has no description beside it",
        "NAME.vm.lock.json is made of NAME.vm.kdl or NAME.vm.json in the same folder. Of several machines that has the file's lock which is called as the file is, and each other is in NAME.MACHINE.vm.lock.json. When a description or a machine is renamed, its lock stays behind: nothing holds it to anything any more, and the new lock knows nothing of the version and the names that the old one had pinned. Move the lock along with its description.",
    ),
    code(
        "lock::stale",
        "the lock is not what the description says",
        "The lock in the file differs from what the description resolves to with this vmlock. Run `vmlock lock`, and review the change: it is what guests will see.",
    ),
    code(
        "lock::invalid",
        "this is no lock",
        "The file is not JSON, lacks something, holds something unknown, or contradicts itself. Nothing is guessed. If the description is at hand, run `vmlock lock`.",
    ),
    code(
        "git::failed",
        "git cannot be asked",
        "`vmlock git` starts `git`, which is not in PATH or did not do what it was asked for; its own words are shown. Outside of a repository, `vmlock git setup --global` is what there is to set up.",
    ),
    code(
        "git::not-set-up",
        "git does not know the drivers here",
        "git's configuration or its attributes lack what `vmlock git setup` writes. Without it git merges locks as texts, where the result may be the lock of no description, and shows them as texts. Attributes are checked in; the configuration is each clone's own.",
    ),
    code(
        "git::attributes",
        "other attributes keep a lock from its drivers",
        "The last line that fits a file decides, and files of attributes in deeper folders decide over those above. `git check-attr -a FILE` shows what a lock has.",
    ),
    code(
        "git::unresolved",
        "a lock is not merged",
        "Both sides changed the lock, and what the merged description is cannot be said for certain: it has conflicts of its own, git is older than 2.44 or does not say which commits it merges (`stash pop`, `am`, several merge bases), or a file that it imports is in no commit. Merge the description first. `vmlock lock` then makes the lock of it, and keeps of the old ones what both sides agree on; `git add` ends the conflict.",
    ),
    code(
        "lock::conflict-marker",
        "a merge left its markers",
        "Resolve the merge in the description and run `vmlock lock`: the lock follows from it.",
    ),
    code(
        "lock::newer",
        "a newer vmlock made this",
        "The lock's format is newer than this program. Use the vmlock that made it.",
    ),
    code(
        "report::invalid",
        "this is no host report",
        "`vmlock-run probe` makes host reports.",
    ),
    code(
        "report::incomplete",
        "the host report lacks something",
        "A CPU model cannot be made without it. Make the report again with `vmlock-run probe`.",
    ),
    code(
        "report::imported",
        "the host report was imported",
        "`vmlock import --to report` made it of another program's file. It says what one guest was shown on that host, and nothing of what its kernel can be made to show, which this command has to know. Make a report on the host with `vmlock-run probe`.",
    ),
    code(
        "adopt::not-expressible",
        "the host shows what no baseline can say",
        "`vmlock adopt` makes a description whose lock its host keeps without a single write. This host shows a default guest something that a lock can only refuse or change, so nothing was written. The message names every such entry.",
    ),
    code(
        "drift::unknown",
        "a baseline or CPU model to compare with that cannot be",
        "`vmlock drift --from` takes a whole baseline, and `--cpu` a CPU model, of the catalogue or of a file that is given with `--import`; the baseline has to give a lock on that CPU.",
    ),
    code(
        "drift::files",
        "files that cannot drift",
        "`vmlock drift` compares host reports with a baseline (`--from`), two host reports, or what two portable witnesses saw. `vmlock diff` compares two of anything else.",
    ),
    code(
        "drift::another-cpu",
        "hosts with different CPUs, or another CPU than was named",
        "Drift is what a kernel changes on one CPU. Of two hosts with different CPUs nobody could tell what their kernels did and what their silicon.",
    ),
    code(
        "drift::own-model",
        "no CPU model is the CPU of the host",
        "What the silicon has is known from the catalogue's CPU models, or from a report of the old kernel. Of a model that is made of the new kernel's own report, what that kernel hides would be missing, so that nobody could see that it was taken away.",
    ),
    code(
        "drift::not-said",
        "a baseline that would not say what it was made of",
        "What `vmlock drift --write` writes is read back first and compared with the hosts: nothing is written that would not say what they show. It is a mistake in vmlock.",
    ),
    code(
        "drift::exists",
        "a file of that name exists already",
        "The baseline that `vmlock drift --write` writes is meant to be completed and checked in, so it never replaces a file.",
    ),
    code(
        "adopt::exists",
        "a file of that name exists already",
        "What `vmlock adopt` writes is meant to be edited and checked in, so it never replaces a file. Choose another name or folder, or remove the file.",
    ),
    code(
        "common::impossible",
        "no lock is kept by all of these hosts",
        "Something that a guest sees differs between the hosts, no host can be made to show what another one shows, and a lock cannot leave it open. The message names every such entry and host. Leave out a host, or make two locks.",
    ),
    code(
        "common::unknown-cpu",
        "no CPU model fits these hosts",
        "A lock needs a CPU model. The catalogue has none that these hosts could show: make one of a host with `vmlock cpu REPORT --name NAME -o FILE`, and name the file with --import.",
    ),
    code(
        "io::unreadable",
        "a file cannot be read",
        "The system's reason stands in the message.",
    ),
    code(
        "io::unwritable",
        "a file cannot be written",
        "The system's reason stands in the message. The old file, if there was one, is untouched.",
    ),
    code(
        "explain::unknown",
        "nothing of that name is known",
        "`vmlock explain` knows baselines, CPU models, registers, fields, features and codes; without a name it lists them.",
    ),
    code(
        "saved::invalid",
        "a saved guest cannot be restored from this file",
        "Header, table and sections of a saved guest have checksums and one way in which they are written, and say nothing that contradicts the lock among them. What is damaged, cut off, changed, or written by a newer vmlock is refused, by the name of the part where that was found. Nothing of the guest is made of it.",
    ),
    code(
        "labels::no-boot",
        "a report that does not say of which boot it is",
        "A label says what a host keeps, and the next boot may be of another kernel. So labels are made of a report that names its boot, as `vmlock-run probe --boot` makes it, and have the boot's identifier beside them: whoever finds another one on the host knows that they are old. Nothing was written.",
    ),
    code(
        "labels::unfit",
        "a label that its scheduler does not take, or two that would be one",
        "Each scheduler has rules for names and values. What does not fit is refused and never shortened, since two machines could have the same label then. Names of machines are part of labels: Kubernetes takes at most 63 characters with `lock.` before them, with a letter or digit at their ends. Two locks of one name that a host keeps cannot both be told of where a label has one value. Nothing was written.",
    ),
    code(
        "usage::arguments",
        "the command line cannot be read",
        "A flag is not known, an argument is missing, or a value is none of those that there are. `vmlock --help` lists the commands, `vmlock COMMAND --help` the arguments of one, with examples. Nothing was done.",
    ),
    code(
        "usage::no-program",
        "the program behind a door is not there",
        "`vmlock run` and `vmlock lab` start vmlock-run and vmlock-lab: the one that lies beside `vmlock`, or else the first in PATH, where folders that are relative to the current one do not count. None was found, or the one that was found is for another machine.",
    ),
    code(
        "usage::none-found",
        "a folder without such files",
        "A command that takes a whole folder looks for files by their names in it and in all folders below: descriptions are called NAME.vm.kdl or NAME.vm.json, locks NAME.vm.lock.json. What `.gitignore` names is left out, also where git has it all the same.",
    ),
    code(
        "fmt::layout",
        "a description is laid out otherwise",
        "`vmlock fmt --check` found a file that `vmlock fmt` would write otherwise: the place is the first of those that differ. Only blanks, line breaks and `;` are ever changed, never a word, a number or a comment.",
    ),
    code(
        "fmt::not-kept",
        "a layout would not keep the meaning",
        "`vmlock fmt` parses what it lays out and compares it with the file before anything is written. They differ here, which is a mistake of vmlock and not of the file: it was left as it is.",
    ),
    code(
        "convert::not-kept",
        "the other form cannot say this",
        "`vmlock convert` reads what it writes and compares it with the file. The two forms say the same but for what makes no lock anyhow: JSON has sizes in bytes where KDL has whole KiB, and can give numbers to a feature that it does not turn on. Nothing was written.",
    ),
    code(
        "io::exists",
        "a file is in the way",
        "`vmlock init` and `vmlock convert --output` write new files alone, because one that is there may hold what nobody could bring back. Choose another name, or remove the file.",
    ),
    code(
        "usage::name",
        "a name that cannot be used",
        "The lock of NAME.vm.kdl or NAME.vm.json is NAME.vm.lock.json, and of each further machine in it NAME.MACHINE.vm.lock.json: other files have no lock. Machines, CPU models and baselines are called by 1 to 63 ASCII letters, digits, `-`, `_` and `.`.",
    ),
    code(
        "diff::two-kinds",
        "two things that cannot be compared",
        "`vmlock diff` compares two locks, two host reports, two saved guests, what two witnesses saw, two whole baselines or two parts that speak of the same thing. Whether a host can keep a lock is `vmlock check`'s to say.",
    ),
    code(
        "diff::unknown",
        "nothing to compare under that name",
        "`vmlock diff` takes two locks, two host reports, two saved guests, two logs of portable witnesses, or two baselines by name.",
    ),
    code(
        "export::open",
        "an entry is not kept under that VMM, and not accepted",
        "`vmlock export` tells what becomes of each entry of a lock under a virtual machine monitor: kept (it holds it), chance (this host shows it, and nobody holds it), overwritten, forced or cannot. Where nothing of a lock can be planned on a host, nothing can be exported. What is not kept is accepted by its fate or its name with `--accept`, or the lock is kept by `vmlock-run`.",
    ),
    code(
        "export::unknown-vmm",
        "nothing is known of this VMM, or of this version",
        "A virtual machine monitor is an entry of the catalogue, with the versions that somebody has looked at. What another version does is not guessed: name one that is known, as in `--to qemu@10.0`, and hold what comes of it against the lock with `vmlock audit --observed`.",
    ),
    code(
        "foreign::unknown-kind",
        "nothing of which a CPU model or a description can be made",
        "`vmlock import` reads what others know of a CPU: templates, dumps and fingerprints of Firecracker's for aarch64, what a portable witness saw, and /proc/cpuinfo of an arm64 machine; and a machine's command line of `qemu-system-aarch64`. Which one it is, the file itself tells. Of a host report all of a model comes: `vmlock cpu` makes it.",
    ),
    code(
        "foreign::no-host",
        "the file tells nothing of a host",
        "`vmlock import --to report` makes a host report of what a guest was shown on a host under KVM: a fingerprint or a dump of Firecracker's, or the log of a portable witness. Other files say what guests are to be shown, what programs of the host find, which machine somebody wants, or what an emulator shows. `vmlock-run probe` makes a report on the host.",
    ),
    code(
        "foreign::invalid",
        "the file is not as that program writes it",
        "A part of the file cannot be read as what it seems to be: a bitmap that has another digit than 0, 1 and x, a register that stands twice, a CPU without its parts of MIDR_EL1. Of a command line it is also what it leaves open and a description has to say: `--abi` and `--cpu` do. What was altered or cut off on its way says something else than the program did, so that nothing of it is taken.",
    ),
    code(
        "observed::broken",
        "a machine shows something else than the lock promises",
        "A portable witness saw it in a guest of another virtual machine monitor. What that one was not told, its host's kernel decides. `vmlock-run` keeps the lock or refuses.",
    ),
    code(
        "observed::damaged",
        "the log is not a whole account of a witness",
        "Each line that the portable witness prints has its number and a check over all lines so far, and the last one counts the records. A line is missing, was printed into by somebody else, or the log ends too early. What is there cannot be trusted to be all that the guest saw, so none of it is taken. Give the witness's console a file of its own and let it power off by itself.",
    ),
    code(
        "observed::incomplete",
        "a vCPU has not told all that it sees",
        "The account came whole, and says that a vCPU could not be started, did not come to its end, or met an exception that the witness did not expect. What other vCPUs saw stands. A VMM that does not start a vCPU which its device tree has, or an interrupted machine, does that.",
    ),
    code(
        "editor::settings",
        "an editor's settings are left as they are",
        "`vmlock editor-setup vscode` adds the schemas to `.vscode/settings.json`, in place of those that it added before. Where others stand under `json.schemas`, or the file is no object of settings, it is not touched: `--print` prints what to add.",
    ),
    code(
        "observed::invalid",
        "these are no observed facts",
        "A file with observed facts is JSON that `vmlock observe -o` wrote (`vmlock schema observed`), or the log of a portable witness's console.",
    ),
];

/// Title and explanation of any code, ours or the planner's.
pub fn find(name: &str) -> Option<Code> {
    all().find(|c| c.code == name)
}

/// All codes that a user can meet.
pub fn all() -> impl Iterator<Item = Code> {
    let reasons = REASONS.iter().map(|r| code(r.code, r.title, r.explanation));
    CODES.iter().copied().chain(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// Texts between quotes that look like codes, in all sources below a folder.
    fn mentioned(folder: &Path, out: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                mentioned(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("codes.rs") {
                let text = fs::read_to_string(&path).unwrap();
                for word in text.split('"') {
                    let plain = word.bytes().all(|b| {
                        b.is_ascii_lowercase() || b.is_ascii_digit() || b":-".contains(&b)
                    });
                    if plain
                        && word
                            .split_once("::")
                            .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
                    {
                        out.insert(word.to_owned());
                    }
                }
            }
        }
    }

    #[test]
    fn every_code_in_the_sources_is_explained_and_every_explained_one_is_used() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut used = BTreeSet::new();
        mentioned(&root.join("src"), &mut used);
        mentioned(&root.join("../spec/src"), &mut used);
        used.retain(|c| !c.starts_with("cargo::"));
        let known: BTreeSet<String> = all().map(|c| c.code.to_owned()).collect();
        assert_eq!(used, known);
        assert_eq!(known.len(), all().count(), "a code stands twice");
    }
}
