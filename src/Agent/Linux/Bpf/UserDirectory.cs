using System.Runtime.InteropServices;
using System.Text;
using Bulkhead.Policy;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>
/// The host's users and groups as its name service knows them (nsswitch.conf: files, SSSD, winbind …). A directory need not list its users or a
/// group's members; so the users of processes that run are asked for one by one besides.
/// </summary>
internal static unsafe partial class UserDirectory
{
    private const int TooSmall = 34; // ERANGE
    private const int LongestEntry = 16 << 20;
    private static readonly Lock _listing = new();

    /// <summary>Which of some groups each user is in, by number; who is in none is left out. A group that does not exist has no members.</summary>
    /// <param name="groups">Names of groups.</param>
    /// <param name="running">Users of processes that run.</param>
    /// <exception cref="IOException">The name service fails.</exception>
    public static Dictionary<uint, EquatableArray<string>> Read(IReadOnlyCollection<string> groups, IEnumerable<uint> running)
    {
        var numbers = new Dictionary<uint, string>();
        var members = new Dictionary<uint, SortedSet<string>>();
        void Add(uint user, string group)
        {
            ref var of = ref CollectionsMarshal.GetValueRefOrAddDefault(members, user, out _);
            (of ??= new(StringComparer.Ordinal)).Add(group);
        }

        foreach (var name in groups)
        {
            foreach (var member in MembersOf(name, numbers))
            {
                if (Find<User>((at, buffer, length, found) => FindUser(member, at, buffer, length, found), user => (user.Uid, user.Gid)) is { } user)
                {
                    Add(user.Uid, name);
                }
            }
        }

        foreach (var (user, primary) in List())
        {
            if (numbers.TryGetValue(primary, out var name))
            {
                Add(user, name);
            }
        }

        foreach (var user in running.Distinct())
        {
            foreach (var name in GroupsOf(user).Select(number => numbers.GetValueOrDefault(number)).OfType<string>())
            {
                Add(user, name);
            }
        }

        return members.ToDictionary(user => user.Key, user => user.Value.ToEquatableArray());
    }

    private static List<string> MembersOf(string name, Dictionary<uint, string> numbers) =>
        Find<Group, List<string>>((at, buffer, length, found) => FindGroup(name, at, buffer, length, found), group =>
        {
            numbers[group.Gid] = name;
            var members = new List<string>();
            for (var member = group.Members; *member != null; member++)
            {
                members.Add(Text(*member));
            }

            return members;
        }) ?? [];

    private static uint[] GroupsOf(uint uid)
    {
        var user = Find<User, (string Name, uint Gid)?>((at, buffer, length, found) => FindUser(uid, at, buffer, length, found), user => (Text(user.Name), user.Gid));
        if (user is not { } known)
        {
            return [];
        }

        for (var length = 64; ; length *= 2)
        {
            var groups = new uint[length];
            fixed (uint* at = groups)
            {
                var count = length;
                if (ListGroups(known.Name, known.Gid, at, &count) >= 0)
                {
                    return groups[..count];
                }
            }
        }
    }

    private static List<(uint User, uint Primary)> List()
    {
        lock (_listing)
        {
            var all = new List<(uint, uint)>();
            BeginUsers();
            while (Find<User>(NextUser, user => (user.Uid, user.Gid), atEnd: 2) is { } user)
            {
                all.Add(user);
            }

            EndUsers();
            return all;
        }
    }

    private static (uint Uid, uint Gid)? Find<T>(Lookup<T> lookup, Func<T, (uint, uint)> read, int atEnd = 0)
        where T : unmanaged => Find<T, (uint, uint)?>(lookup, found => read(found), atEnd);

    private static TResult? Find<T, TResult>(Lookup<T> lookup, Func<T, TResult> read, int atEnd = 0)
        where T : unmanaged
    {
        for (var length = 4096; length <= LongestEntry; length *= 4)
        {
            var buffer = new byte[length];
            fixed (byte* at = buffer)
            {
                T entry;
                T* found = null;
                var error = lookup(&entry, at, (nuint)length, &found);
                if (error == 0 || (atEnd != 0 && error == atEnd))
                {
                    return found == null ? default : read(entry);
                }

                if (error != TooSmall)
                {
                    throw new IOException($"The name service failed: {Marshal.GetPInvokeErrorMessage(error)}");
                }
            }
        }

        throw new IOException("The name service's answer is too long.");
    }

    private static string Text(byte* text) => Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));

    private delegate int Lookup<T>(T* entry, byte* buffer, nuint length, T** found)
        where T : unmanaged;

    [LibraryImport("libc", EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int FindGroup(string name, Group* entry, byte* buffer, nuint length, Group** found);

    [LibraryImport("libc", EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int FindUser(string name, User* entry, byte* buffer, nuint length, User** found);

    [LibraryImport("libc", EntryPoint = "getpwuid_r")]
    private static partial int FindUser(uint uid, User* entry, byte* buffer, nuint length, User** found);

    [LibraryImport("libc", EntryPoint = "getpwent_r")]
    private static partial int NextUser(User* entry, byte* buffer, nuint length, User** found);

    [LibraryImport("libc", EntryPoint = "setpwent")]
    private static partial void BeginUsers();

    [LibraryImport("libc", EntryPoint = "endpwent")]
    private static partial void EndUsers();

    [LibraryImport("libc", EntryPoint = "getgrouplist", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ListGroups(string user, uint primary, uint* groups, int* count);

    /// <summary>struct group.</summary>
    internal struct Group
    {
        public byte* Name;
        public byte* Password;
        public uint Gid;
        public byte** Members;
    }

    /// <summary>struct passwd.</summary>
    internal struct User
    {
        public byte* Name;
        public byte* Password;
        public uint Uid;
        public uint Gid;
        public byte* FullName;
        public byte* Home;
        public byte* Shell;
    }
}
