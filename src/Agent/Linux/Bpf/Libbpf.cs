using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>What we use of libbpf (version 1). A negative result is an error number.</summary>
internal static unsafe partial class Libbpf
{
    public const uint AllowMulti = 2;
    public const uint Replace = 4;

    private const string Library = "libbpf.so.1";

    /// <summary>struct bpf_object_open_opts, as far as version 1.0 has it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct OpenOptions
    {
        public nuint Size;
        public byte* Name;
        public byte RelaxedMaps;
        public byte* PinRoot;
        public uint Reserved;
        public byte* Kconfig;
        public byte* Btf;
        public byte* LogBuffer;
        public nuint LogSize;
        public uint LogLevel;
    }

    /// <summary>struct bpf_prog_attach_opts.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct AttachOptions
    {
        public nuint Size;
        public uint Flags;
        public int ReplacedProgram;
    }

    /// <summary>The beginning of struct bpf_prog_info.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ProgramInfo
    {
        public uint Type;
        public uint Id;
        public ulong Tag;
        public uint JitedLength;
        public uint TranslatedLength;
        public ulong Jited;
        public ulong Translated;
        public ulong LoadedAt;
        public uint Uid;
        public uint MapCount;
        public ulong Maps;
        public fixed byte Name[16];
    }

    /// <summary>The beginning of struct bpf_map_info.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MapInfo
    {
        public uint Type;
        public uint Id;
        public uint KeySize;
        public uint ValueSize;
        public uint Capacity;
        public uint Flags;
        public fixed byte Name[16];
    }

    [LibraryImport(Library, EntryPoint = "libbpf_set_print")]
    public static partial nint SetPrint(nint callback);

    [LibraryImport(Library, EntryPoint = "bpf_object__open_mem", SetLastError = true)]
    public static partial nint Open(byte* bytes, nuint length, OpenOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_object__load")]
    public static partial int Load(nint loaded);

    [LibraryImport(Library, EntryPoint = "bpf_object__close")]
    public static partial void Close(nint loaded);

    [LibraryImport(Library, EntryPoint = "bpf_object__find_program_by_name", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint FindProgram(nint loaded, string name);

    [LibraryImport(Library, EntryPoint = "bpf_program__set_autoload")]
    public static partial int SetAutoload(nint program, [MarshalAs(UnmanagedType.U1)] bool load);

    [LibraryImport(Library, EntryPoint = "bpf_program__attach", SetLastError = true)]
    public static partial nint Link(nint program);

    [LibraryImport(Library, EntryPoint = "bpf_program__fd")]
    public static partial int ProgramDescriptor(nint program);

    [LibraryImport(Library, EntryPoint = "bpf_object__find_map_fd_by_name", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MapDescriptor(nint loaded, string name);

    [LibraryImport(Library, EntryPoint = "bpf_object__next_map")]
    public static partial nint NextMap(nint loaded, nint after);

    [LibraryImport(Library, EntryPoint = "bpf_map__type")]
    public static partial int MapType(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__max_entries")]
    public static partial uint MapCapacity(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__set_max_entries")]
    public static partial int SetMapCapacity(nint map, uint entries);

    [LibraryImport(Library, EntryPoint = "libbpf_num_possible_cpus")]
    public static partial int PossibleProcessors();

    [LibraryImport(Library, EntryPoint = "bpf_prog_attach_opts")]
    public static partial int Attach(int program, SafeFileHandle cgroup, int hook, AttachOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_program__attach_cgroup", SetLastError = true)]
    public static partial nint LinkToCgroup(nint program, int cgroup);

    [LibraryImport(Library, EntryPoint = "bpf_link__destroy")]
    public static partial int DestroyLink(nint link);

    public static void Unlink(nint link) => _ = DestroyLink(link);

    [LibraryImport(Library, EntryPoint = "bpf_prog_bind_map")]
    public static partial int Bind(int program, int map, nint options);

    [LibraryImport(Library, EntryPoint = "bpf_prog_detach2")]
    public static partial int Detach(int program, SafeFileHandle cgroup, int hook);

    [LibraryImport(Library, EntryPoint = "bpf_prog_query")]
    public static partial int Query(SafeFileHandle cgroup, int hook, uint flags, uint* attachFlags, uint* ids, uint* count);

    [LibraryImport(Library, EntryPoint = "bpf_prog_get_fd_by_id")]
    public static partial int OpenProgram(uint id);

    [LibraryImport(Library, EntryPoint = "bpf_map_get_fd_by_id")]
    public static partial int OpenMap(uint id);

    [LibraryImport(Library, EntryPoint = "bpf_obj_get_info_by_fd")]
    public static partial int Info(int descriptor, void* info, uint* length);

    [LibraryImport(Library, EntryPoint = "bpf_map_update_elem")]
    public static partial int Update(int map, void* key, void* value, ulong flags);

    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_elem")]
    public static partial int Lookup(int map, void* key, void* value);

    [LibraryImport(Library, EntryPoint = "bpf_map_delete_elem")]
    public static partial int Delete(int map, void* key);

    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_batch")]
    public static partial int LookupBatch(int map, void* from, void* next, void* keys, void* values, uint* count, nint options);

    [LibraryImport(Library, EntryPoint = "bpf_map_freeze")]
    public static partial int Freeze(int map);

    [LibraryImport(Library, EntryPoint = "bpf_map_get_next_key")]
    public static partial int NextKey(int map, void* key, void* next);
}
