package fire.readings;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.utils.ProjectedRowData;
import org.apache.flink.table.functions.FunctionDefinition;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.functions.TableSemantics;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.ArgumentCount;
import org.apache.flink.table.types.inference.CallContext;
import org.apache.flink.table.types.inference.InputTypeStrategies;
import org.apache.flink.table.types.inference.InputTypeStrategy;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;
import org.apache.flink.table.types.inference.TypeStrategy;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;

public final class FirstArrivals extends ProcessTableFunction {
  private static final long MINUTE = 60000L;
  private static final int HEADER = 3;
  private static final int EXPIRY = 0;
  private static final int ORDER = 1;
  private static final int COUNT = 2;

  private transient ProjectedRowData passed;
  private transient int idx;
  private transient int time;

  public void eval(ProcessTableFunction.Context context, MapView seen, RowData reading, Integer minutes) throws Exception {
    if (passed == null) {
      TableSemantics table = context.tableSemanticsFor("input");
      passed = ProjectedRowData.from(passedColumns(table));
      idx = DataType.getFieldNames(table.dataType()).indexOf("idx");
      time = table.timeColumn();
    }
    long number = reading.getLong(idx);
    long millis = reading.getTimestamp(time, 3).getMillisecond();
    long minute = Math.floorDiv(millis, MINUTE);
    Long key = Long.valueOf(minute << 8 | number >> 47 & 255);
    long entry = number << 16 | millis - minute * MINUTE + 1;
    long[] bucket = (long[]) seen.get(key);
    if (bucket == null) {
      bucket = opened(context, seen, (minute + 1) * MINUTE, minutes.intValue());
    } else if (contains(bucket, entry)) {
      return;
    }
    seen.put(key, added(bucket, entry));
    collect(passed.replaceRow(reading));
  }

  public void onTimer(ProcessTableFunction.OnTimerContext context, MapView seen) throws Exception {
    ProcessTableFunction.TimeContext clock = context.timeContext(Long.class);
    long now = ((Long) clock.time()).longValue();
    long next = Long.MAX_VALUE;
    Iterator entries = seen.iterator();
    while (entries.hasNext()) {
      long[] bucket = (long[]) ((Map.Entry) entries.next()).getValue();
      if (bucket[EXPIRY] <= now) {
        entries.remove();
      } else {
        next = Math.min(next, bucket[EXPIRY]);
      }
    }
    if (next < Long.MAX_VALUE) {
      clock.registerOnTime(Long.valueOf(next));
    }
  }

  private static long[] opened(ProcessTableFunction.Context context, MapView seen, long end, int minutes) throws Exception {
    ProcessTableFunction.TimeContext clock = context.timeContext(Long.class);
    Long watermark = (Long) clock.currentWatermark();
    long[] bucket = new long[HEADER + 16];
    bucket[EXPIRY] = (watermark == null ? end : Math.max(end, watermark.longValue())) + minutes * MINUTE;
    Map.Entry oldest = null;
    long order = 0;
    int count = 0;
    Iterator entries = seen.iterator();
    while (entries.hasNext()) {
      Map.Entry entry = (Map.Entry) entries.next();
      long[] other = (long[]) entry.getValue();
      order = Math.max(order, other[ORDER]);
      if (oldest == null || other[ORDER] < ((long[]) oldest.getValue())[ORDER]) {
        oldest = entry;
      }
      count++;
    }
    bucket[ORDER] = order + 1;
    if (count == 0) {
      clock.registerOnTime(Long.valueOf(bucket[EXPIRY]));
    }
    if (count >= 4 * minutes) {
      seen.remove(oldest.getKey());
    }
    return bucket;
  }

  private static boolean contains(long[] bucket, long entry) {
    return bucket[slot(bucket, entry)] == entry;
  }

  private static int slot(long[] bucket, long entry) {
    int mask = bucket.length - HEADER - 1;
    int slot = (int) (entry * 0x9E3779B97F4A7C15L >>> 40) & mask;
    while (bucket[HEADER + slot] != 0 && bucket[HEADER + slot] != entry) {
      slot = slot + 1 & mask;
    }
    return HEADER + slot;
  }

  private static long[] added(long[] bucket, long entry) {
    int capacity = bucket.length - HEADER;
    long[] roomy = bucket;
    if (bucket[COUNT] >= capacity - capacity / 16) {
      roomy = new long[HEADER + 2 * capacity];
      System.arraycopy(bucket, 0, roomy, 0, HEADER);
      for (int i = HEADER; i < bucket.length; i++) {
        if (bucket[i] != 0) {
          roomy[slot(roomy, bucket[i])] = bucket[i];
        }
      }
    }
    roomy[slot(roomy, entry)] = entry;
    roomy[COUNT]++;
    return roomy;
  }

  private static int[] passedColumns(TableSemantics table) {
    int[] keys = table.partitionByColumns();
    List types = DataType.getFieldDataTypes(table.dataType());
    int[] found = new int[types.size()];
    int count = 0;
    for (int i = 0; i < found.length; i++) {
      boolean passes = !LogicalTypeChecks.isTimeAttribute(((DataType) types.get(i)).getLogicalType());
      for (int k = 0; k < keys.length; k++) {
        passes = passes && keys[k] != i;
      }
      if (passes) {
        found[count++] = i;
      }
    }
    int[] columns = new int[count];
    System.arraycopy(found, 0, columns, 0, count);
    return columns;
  }

  public TypeInference getTypeInference(DataTypeFactory factory) {
    DataType bucket = (DataType) DataTypes.ARRAY((DataType) DataTypes.BIGINT().notNull()).bridgedTo(long[].class);
    LinkedHashMap states = new LinkedHashMap();
    states.put("seen", StateTypeStrategy.of(
        TypeStrategies.explicit(MapView.newMapViewDataType((DataType) DataTypes.BIGINT().notNull(), bucket)), Duration.ZERO));
    return TypeInference.newBuilder()
        .staticArguments(new StaticArgument[] {
            StaticArgument.table("input", RowData.class, false,
                EnumSet.of(StaticArgumentTrait.SET_SEMANTIC_TABLE, StaticArgumentTrait.REQUIRE_ON_TIME)),
            StaticArgument.scalar("minutes", (DataType) DataTypes.INT().notNull(), false)})
        .stateTypeStrategies(states)
        .inputTypeStrategy(new InternalRows())
        .outputTypeStrategy(new PassedColumns())
        .build();
  }

  private static final class InternalRows implements InputTypeStrategy {
    public ArgumentCount getArgumentCount() {
      return InputTypeStrategies.WILDCARD.getArgumentCount();
    }

    public Optional inferInputTypes(CallContext call, boolean throwOnFailure) {
      List types = new ArrayList(call.getArgumentDataTypes());
      if (((TableSemantics) call.getTableSemantics(0).get()).changelogMode().isPresent()) {
        types.set(0, ((DataType) types.get(0)).bridgedTo(RowData.class));
      }
      return Optional.of(types);
    }

    public List getExpectedSignatures(FunctionDefinition definition) {
      return InputTypeStrategies.WILDCARD.getExpectedSignatures(definition);
    }
  }

  private static final class PassedColumns implements TypeStrategy {
    public Optional inferType(CallContext call) {
      TableSemantics table = (TableSemantics) call.getTableSemantics(0).get();
      int[] columns = passedColumns(table);
      ArrayList fields = new ArrayList();
      List names = DataType.getFieldNames(table.dataType());
      List types = DataType.getFieldDataTypes(table.dataType());
      for (int i = 0; i < columns.length; i++) {
        fields.add(DataTypes.FIELD((String) names.get(columns[i]), (DataType) types.get(columns[i])));
      }
      return Optional.of(((DataType) DataTypes.ROW(fields).notNull()).bridgedTo(RowData.class));
    }
  }
}
