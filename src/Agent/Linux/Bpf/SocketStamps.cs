using System.Security.Cryptography;
using System.Text;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Policy;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>
/// The programs that stamp the sockets of one cgroup with the class of who owns them (Bpf/marks.bpf.c), and what they know. They are attached to the
/// cgroup itself: they go on when the agent ends, go with the cgroup, and the next agent knows them by name, reads what their classes mean,
/// and puts its own in their place one by one, so that no socket is ever without.
/// </summary>
internal sealed unsafe class SocketStamps : IDisposable
{
    private static readonly (string Program, int Hook)[] _hooks =
    [
        ("bulkhead_opt", 22), ("bulkhead_create", 2), ("bulkhead_conn4", 10), ("bulkhead_conn6", 11), ("bulkhead_send4", 14), ("bulkhead_send6", 15),
    ];

    // Reading one back takes some 0.3 µs: so many take one hundredth of the time between two looks.
    private const int EntriesALook = 12_000;

    private readonly BpfObject _object;
    private readonly SafeFileHandle _cgroup;
    private readonly ExecutablePaths _paths;
    private readonly BpfMap<Owner, uint> _classes;
    private readonly BpfMap<uint, uint> _users;
    private readonly BpfMap<uint, ClassName> _names;
    private readonly BpfMap<uint, uint> _turns;
    private readonly uint[] _numbers;
    private int _looks;
    private uint _turn;
    private readonly Dictionary<string, uint> _groups = new(StringComparer.Ordinal);

    private SocketStamps(BpfObject loaded, SafeFileHandle cgroup, uint mask)
    {
        (_object, _cgroup) = (loaded, cgroup);
        Secret = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
        _paths = new(new(loaded.Map("bulkhead_step")), new(loaded.Map("bulkhead_path")));
        (_classes, _users, _names) = (new(loaded.Map("bulkhead_class")), new(loaded.Map("bulkhead_user")), new(loaded.Map("bulkhead_name")));
        _turns = new(loaded.Map("bulkhead_turn"));
        new BpfMap<uint, Settings>(loaded.Map("bulkhead_set")).Set(0, new() { Mask = mask, MountNamespace = MountNamespace.Own, Secret = Secret });
        _ = BpfException.Check(Libbpf.Freeze(loaded.Map("bulkhead_set")), "freeze a map");
        _numbers = [.. _hooks.Select(hook => AttachedProgram.NumberOf(loaded.Program(hook.Program)))];
        // A map that no program reads would not outlive us.
        _ = BpfException.Check(Libbpf.Bind(loaded.Program("bulkhead_create"), loaded.Map("bulkhead_name"), 0), "bind a map to a program");
        Table = MarkTable.Empty with { Mask = mask };
    }

    /// <summary>What the programs stamp by.</summary>
    public MarkTable Table { get; private set; }

    /// <summary>Whether they are attached and know what they were told, as far as is known.</summary>
    public bool Attached { get; private set; }

    /// <summary>With it behind the mark, a write of our bits is let through.</summary>
    public ulong Secret { get; }

    /// <summary>Loads the programs; nothing changes before <see cref="Put"/>. What the ones of a former agent stamp goes on to mean the same.</summary>
    /// <param name="cgroup">Folder of the host's cgroup.</param>
    /// <param name="mask">The bits of marks that are ours.</param>
    /// <exception cref="BpfException">The kernel cannot do it, or does not permit it.</exception>
    public static SocketStamps Load(string cgroup, uint mask)
    {
        var stamps = new SocketStamps(BpfObject.Load("marks.bpf.o"), FolderReader.Open(cgroup), mask);
        stamps.Table = stamps.Table with { Marks = stamps.Inherit() };
        return stamps;
    }

    /// <summary>Takes the programs off a cgroup, whoever attached them: for unpairing only.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public static void Remove(string cgroup)
    {
        using var handle = FolderReader.Open(cgroup);
        Remove(handle);
    }

    /// <summary>
    /// What others changed of the programs or of what they know, in words; empty if nothing, or if they are not attached. What is found is put right by
    /// the next <see cref="Put"/>. Others cannot write to the settings, which are frozen. Where groups have very many members, maps are not read every time.
    /// </summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public IReadOnlyList<string> Examine()
    {
        if (!Attached)
        {
            return [];
        }

        IEnumerable<(string Map, string? Words)> maps = _looks++ % (1 + (_users.Count / EntriesALook)) != 0 ? [] :
            [.. _paths.Differences(), ("bulkhead_class", _classes.Difference()), ("bulkhead_user", _users.Difference()), ("bulkhead_name", _names.Difference())];
        string[] found =
        [
            .. _hooks.Where((hook, i) => !AttachedProgram.Numbers(_cgroup, hook.Hook).Contains(_numbers[i])).Select(hook => $"program {hook.Program} was taken off"),
            .. maps.Where(map => map.Words is not null).Select(map => $"map {map.Map}: {map.Words}"),
        ];
        Attached = found.Length == 0;
        return found;
    }

    /// <summary>Takes the programs off again: nothing is stamped, and no mark refused, until the next <see cref="Put"/>.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void TakeOff()
    {
        Attached = false;
        Remove(_cgroup);
    }

    /// <summary>Has the programs stamp by a table from now on. What is stamped already keeps its stamp.</summary>
    /// <exception cref="BpfException">The kernel refuses; sockets may be stamped by some of it.</exception>
    public void Put(MarkTable table)
    {
        if (!Attached)
        {
            _paths.Restore();
            _names.Restore();
        }

        var classes = new Dictionary<Owner, uint>();
        foreach (var (mark, owner) in table.Marks)
        {
            // Told before it is used, for the agent after this one.
            _names.Set(mark, ClassName.Of(owner.ToString()));
            classes[new() { Path = PathOf(owner), User = GroupsOf(owner.Groups) }] = mark;
        }

        _classes.Become(classes);
        _paths.Put(table.Marks.Select(m => m.Owner.Path).OfType<string>().Distinct(StringComparer.Ordinal));
        _turns.Set(0, ++_turn);
        Table = table;
        if (!Attached)
        {
            Attach();
        }
    }

    /// <summary>Says which of the groups that rules name each user is in; who is not told of is in none.</summary>
    /// <exception cref="BpfException">There are too many.</exception>
    public void PutUsers(IReadOnlyDictionary<uint, EquatableArray<string>> users)
    {
        _users.Become(users.Where(user => user.Value.Count > 0).ToDictionary(user => user.Key, user => GroupsOf(user.Value)));
        _turns.Set(0, ++_turn);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _object.Dispose();
        _cgroup.Dispose();
    }

    private uint PathOf(SocketOwner owner) =>
        !owner.Identified ? ExecutablePaths.Unidentified : owner.Path is { } path ? _paths.NumberOf(path) : ExecutablePaths.Other;

    private uint GroupsOf(EquatableArray<string> groups)
    {
        var name = string.Join('\n', groups);
        return groups.Count == 0 ? 0
            : _groups.TryGetValue(name, out var number) ? number
            : _groups[name] = (uint)_groups.Count + 1;
    }

    private static void Remove(SafeFileHandle cgroup)
    {
        foreach (var (name, hook) in _hooks)
        {
            foreach (var program in AttachedProgram.All(cgroup, hook))
            {
                using (program)
                {
                    _ = program.Name == name ? BpfException.Check(Libbpf.Detach(program.Descriptor, cgroup, hook), "detach a program") : 0;
                }
            }
        }
    }

    private void Attach()
    {
        for (var i = 0; i < _hooks.Length; i++)
        {
            var (name, hook) = _hooks[i];
            if (AttachedProgram.Numbers(_cgroup, hook).Contains(_numbers[i]))
            {
                continue;
            }

            var before = AttachedProgram.All(_cgroup, hook).Where(program => program.Name == name).ToList();
            var options = new Libbpf.AttachOptions
            {
                Size = (nuint)sizeof(Libbpf.AttachOptions),
                Flags = Libbpf.AllowMulti | (before.Count > 0 ? Libbpf.Replace : 0),
                ReplacedProgram = before.Count > 0 ? before[0].Descriptor : 0,
            };
            var result = Libbpf.Attach(_object.Program(name), _cgroup, hook, &options);
            before.ForEach(program => program.Dispose());
            _ = BpfException.Check(result, $"attach {name}");
        }

        Attached = true;
    }

    private EquatableArray<(uint, SocketOwner)> Inherit()
    {
        foreach (var program in AttachedProgram.All(_cgroup, 2).Where(program => program.Name == "bulkhead_create"))
        {
            using (program)
            {
                if (program.OpenMap("bulkhead_name", sizeof(ClassName)) is not { } map || program.OpenMap("bulkhead_set", sizeof(Settings)) is not { } set)
                {
                    continue;
                }

                using (map)
                using (set)
                {
                    return new BpfMap<uint, Settings>(set.Descriptor).Read().Values.Any(s => s.Mask != Table.Mask) ? []
                        : [.. from name in new BpfMap<uint, ClassName>(map.Descriptor).Read()
                              let owner = SocketOwner.TryParse(name.Value.ToString(), out var parsed) ? parsed : null
                              where owner is not null
                              orderby name.Key
                              select (name.Key, owner)];
                }
            }
        }

        return [];
    }

    /// <summary>struct settings.</summary>
    private struct Settings
    {
        public uint Mask;
        public uint MountNamespace;
        public ulong Secret;
    }

    /// <summary>struct owner.</summary>
    private struct Owner
    {
        public uint Path;
        public uint User;
    }

    /// <summary>A class in words.</summary>
    private struct ClassName
    {
        private const int Longest = 1024;
        private const int TooLong = -36;
        private fixed byte _text[Longest];

        public static ClassName Of(string text)
        {
            if (Encoding.UTF8.GetByteCount(text) >= Longest)
            {
                throw new BpfException("name a class of sockets", TooLong, text);
            }

            var name = default(ClassName);
            _ = Encoding.UTF8.GetBytes(text, new Span<byte>(name._text, Longest - 1));
            return name;
        }

        public override string ToString()
        {
            fixed (byte* text = _text)
            {
                return Encoding.UTF8.GetString(new ReadOnlySpan<byte>(text, Longest)).TrimEnd('\0');
            }
        }
    }
}
